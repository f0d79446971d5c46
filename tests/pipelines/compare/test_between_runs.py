"""Runs tested against each other, checked by what the single tests say."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from rich.console import Console
from scipy import stats

from pipelines.compare.between_runs import against_the_first
from pipelines.compare.comparison import Comparison
from pipelines.compare.evidence import Evidence
from pipelines.compare.from_evidence import comparison_of
from pipelines.report.several_runs import csv_many, markdown_many, terminal_many
from pipelines.report.several_runs_page import render_many


@pytest.fixture(scope="module")
def runs(make_evidence: Callable[..., Evidence]) -> list[Comparison]:
    """Three runs of the same data, the last pruned too far, and one of other data."""
    made = []
    for name, loss, data in (("a", 0.0, "x"), ("b", 0.0, "x"), ("c", 0.8, "x"), ("d", 0.0, "y")):
        evidence = make_evidence(
            members=6, size=3, classes=4, samples=300, loss_by_pruning=loss, name=name
        )
        found = comparison_of(evidence, command=f"ensemble build --metric {name}")
        made.append(replace(found, test_sha256=data))
    return list(against_the_first(made))


def test_each_team_is_tested_against_the_first_on_the_same_samples(
    runs: list[Comparison],
) -> None:
    none, second, third, other = (run.against_first for run in runs)
    assert none is None and other is None
    assert second is not None and third is not None
    first = runs[0].chosen.scores
    exact = []
    for test, run in ((second, runs[1]), (third, runs[2])):
        assert test.reference == "a"
        gap = run.chosen.scores.correct - first.correct
        assert test.difference.value == pytest.approx(gap.mean())
        half = 1.96 * gap.std(ddof=1) / len(gap) ** 0.5
        assert test.difference.low == pytest.approx(gap.mean() - half, abs=0.012)
        won, lost = int((gap > 0).sum()), int((gap < 0).sum())
        p = stats.binomtest(won, won + lost).pvalue if won + lost else 1.0
        assert test.mcnemar_p == pytest.approx(p)
        exact.append(p)
    both = [test.mcnemar_holm for test in (second, third)]
    assert max(both) <= 1 and min(both) == pytest.approx(min(1, 2 * min(exact)))
    assert third.judgement.value == "worse"


def test_a_run_alone_and_runs_of_unknown_data_are_not_tested(runs: list[Comparison]) -> None:
    assert against_the_first(runs[:1])[0].against_first is None
    unknown = [replace(run, test_sha256="", against_first=None) for run in runs[:2]]
    assert [run.against_first for run in against_the_first(unknown)] == [None, None]


def test_every_form_says_it(runs: list[Comparison]) -> None:
    tests = [run.against_first for run in runs]
    rows = [
        row for row in csv.DictReader(io.StringIO(csv_many(runs))) if row["contender"] == "selected"
    ]
    written = [row["difference_to_first_run"] for row in rows]
    assert [float(text) if text else None for text in written] == [
        test and pytest.approx(test.difference.value) for test in tests
    ]
    console = Console(file=io.StringIO(), width=80)
    console.print(terminal_many(runs))
    said = console.file.getvalue()  # type: ignore[attr-defined]
    assert "points to a (" in said and "other test samples than a" in said
    for text in (markdown_many(runs), render_many(runs), said):
        assert "ensemble build --metric b" in text
        assert "other test samples" in text
    assert "Accuracy while units are removed, run by run" in render_many(runs)


def test_the_same_run_twice_differs_in_nothing(runs: list[Comparison]) -> None:
    test = against_the_first([runs[0], replace(runs[0], name="again")])[1].against_first
    assert test is not None
    assert test.difference.value == 0
    assert np.isclose(test.mcnemar_p, 1)
