"""What a run recorded → its comparison: numbers, how sure they are, what the report shows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields, replace

import numpy as np

from pipelines.compare.chosen_team import chosen_team
from pipelines.compare.comparison import Comparison
from pipelines.compare.contenders import (
    ALL_PRUNED,
    ALL_UNPRUNED,
    NOBODY,
    RANDOM,
    SELECTED,
    Contender,
    OtherForms,
)
from pipelines.compare.evidence import Evidence
from pipelines.compare.measurements import Measurements
from pipelines.compare.paired_tests import PairedTest, tested_together
from pipelines.compare.pruning_curves import curves, mean_curve
from pipelines.compare.results import Result, on_pareto_front, results
from pipelines.compare.run_teams import Choose, contenders
from pipelines.compare.select_test_gap import select_test_gap

Stopwatch = Callable[[Sequence[Contender]], Mapping[str, Measurements]]
"""Measures contenders, or looks up what was measured of them."""


def comparison_of(
    evidence: Evidence,
    *,
    seed: int = 0,
    choose: Choose | None = None,
    others: OtherForms = NOBODY,
    measured: Stopwatch | None = None,
    command: str = "",
) -> Comparison:
    """Return the comparison of one run.

    Parameters
    ----------
    seed
        Seeds the random teams and the bootstrap: the same seed, the same numbers.
    choose
        Chooses ``hq_unpruned``; by default HQ as the run used it.
    others
        Further rows: the control, exported forms of the team.
    measured
        Given the contenders, returns latency and memory by name.
    command
        The command that made the run.
    """
    rows = (*contenders(evidence, np.random.default_rng([seed, 0]), choose), *others.contenders)
    seen = measured(rows) if measured else {}
    rows = tuple(replace(row, measured=seen.get(row.name, row.measured)) for row in rows)
    numbers = results(rows, evidence.test.labels, np.random.default_rng([seed, 1]))
    return _told(evidence, rows, numbers, seed, command, others.notes)


def _told(
    evidence: Evidence,
    rows: Sequence[Contender],
    numbers: tuple[Result, ...],
    seed: int,
    command: str,
    notes: tuple[str, ...],
) -> Comparison:
    """Return the numbers together with what the report shows beside them."""
    selected = next(row for row in rows if row.name == SELECTED)
    runs = curves(evidence.members)
    by_select = [row for row in numbers if row.select_accuracy is not None]
    return Comparison(
        name=evidence.name,
        config=evidence.config,
        classes=evidence.classes,
        split_sizes=evidence.split_sizes,
        seed=seed,
        command=command,
        results=numbers,
        test_sha256=evidence.test_sha256,
        pareto=on_pareto_front(numbers),
        members=evidence.members,
        handed_on=evidence.handed_on,
        curves=runs,
        mean_curve=mean_curve(runs),
        chosen=chosen_team(evidence, selected),
        reliability={
            row.name: row.reliability for row in rows if row.name in (SELECTED, ALL_UNPRUNED)
        },
        select_test_gap={
            row.contender: select_test_gap(row, len(evidence.select.labels)) for row in by_select
        },
        not_measured=_not_measured(rows),
        notes=notes,
        against_random=_against_random(rows, np.random.default_rng([seed, 3])),
    )


def _against_random(rows: Sequence[Contender], rng: np.random.Generator) -> PairedTest | None:
    by_name = {row.name: row for row in rows}
    random = by_name[RANDOM]
    if random.members == by_name[ALL_PRUNED].members:
        return None
    (test,) = tested_together([(by_name[SELECTED].scores, random.scores)], [RANDOM], rng)
    return test


def _not_measured(rows: Sequence[Contender]) -> tuple[str, ...]:
    return tuple(
        f.name
        for f in fields(Measurements)
        if all(getattr(row.measured, f.name) is None for row in rows)
    )
