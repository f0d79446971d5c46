"""A comparison that shows itself and writes its forms; nothing of it leaks into a notebook."""

from __future__ import annotations

import io
import re
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from pipelines.compare.between_runs import against_the_first
from pipelines.compare.comparison import Comparison
from pipelines.report import ComparisonReport, RunsReport
from pipelines.report.assets import fragment_style
from pipelines.report.several_runs import Failure, answers
from pipelines.report.verdict import verdict
from pipelines.run.control_files import CONTROL, SMALL_TEAM


@pytest.fixture(scope="module")
def report(comparison: Comparison) -> ComparisonReport:
    return ComparisonReport.of(comparison)


@pytest.fixture(scope="module")
def several(comparison: Comparison, ruined: Comparison) -> RunsReport:
    return RunsReport(against_the_first([comparison, ruined]), [Failure("half", "it is half")])


def test_it_is_the_comparison_it_was_made_of(
    report: ComparisonReport, comparison: Comparison
) -> None:
    assert isinstance(report, Comparison)
    assert report.results is comparison.results
    assert report.table.equals(comparison.table)
    assert {report, comparison, report} == {report, comparison}


@pytest.mark.parametrize("form", ["csv", "html", "markdown", "latex"])
def test_a_form_that_is_written_is_the_text_that_is_returned(
    report: ComparisonReport, tmp_path: Path, form: str
) -> None:
    write = getattr(report, f"to_{form}")
    file = tmp_path / "new" / f"it.{form}"
    text = write(file)
    assert file.read_text(encoding="utf-8") == text == write(str(file)) == write()
    assert "selected" in text.lower()


def test_its_repr_is_a_line_with_the_answer(report: ComparisonReport) -> None:
    assert re.fullmatch(
        r"<Comparison of 'synthetic': use it; selected 3: 89\.00\s%.* all 8 unpruned \(89.*\)>",
        repr(report),
    )
    assert repr(super(ComparisonReport, report)) != repr(report)


def test_a_run_without_a_network_as_costly_is_not_praised_beside_one_that_has_it(
    comparison: Comparison, ruined: Comparison
) -> None:
    assert "costly" not in answers([comparison, ruined])
    control = replace(comparison.all_unpruned, contender=CONTROL)
    held = replace(ruined, results=(*ruined.results, control))
    said = answers([comparison, held])
    assert said.startswith(f"Use it: {comparison.name} (as accurate")
    assert "; not held against a network as costly)" in said
    assert f"{ruined.name}." in said
    small = replace(comparison.all_unpruned, contender=SMALL_TEAM)
    said = answers([comparison, replace(ruined, results=(*ruined.results, small))])
    assert "; not held against as many small ones)" in said


def test_rich_prints_it_as_the_command_does(report: ComparisonReport, several: RunsReport) -> None:
    console = Console(width=80, file=io.StringIO())
    console.print(report, several)
    assert isinstance(console.file, io.StringIO)
    printed = console.file.getvalue()
    assert "Use it" in printed and "half could not be compared" in printed


def test_a_notebook_shows_answer_contenders_and_figures(report: ComparisonReport) -> None:
    fragment = report._repr_html_()
    assert verdict(report).opening in fragment
    assert len(re.findall("<tr", fragment)) == 1 + len(report.results)
    assert fragment.count("<svg") == fragment.count('role="img"') == 3
    assert len(fragment.encode()) < 60_000


def test_a_report_of_no_run_is_refused() -> None:
    with pytest.raises(ValueError, match="no run to report"):
        RunsReport([], [Failure("half", "it is half")])


def test_a_notebook_shows_several_runs(several: RunsReport) -> None:
    fragment = several._repr_html_()
    assert "Of 2 runs" in fragment and fragment.count("<svg") == 2
    assert [one.name for one in several] == [several[0].name, several[1].name]
    assert len(several) == 2 and repr(several).startswith("<2 comparisons. Use it: synthetic (")
    with pytest.raises(IndexError):
        several[2]


def test_a_fragment_touches_nothing_around_it(
    report: ComparisonReport, several: RunsReport
) -> None:
    for fragment in (report._repr_html_(), several._repr_html_()):
        assert not re.search(r"<script|<link|\bid=|https?:|@import|url\(", fragment)
    style = fragment_style(".here")
    depth, outside = 0, ""
    for mark in style:
        depth += {"{": 1, "}": -1}.get(mark, 0)
        assert depth >= 0
        outside += mark if depth == 0 else ""
    assert depth == 0
    assert outside.replace("}", "").split() == [".here"]  # one rule, all others inside it
    assert not re.search(r":root|\bhtml\b|\bbody\b", style)
