"""The comparison: every contender's numbers, how sure they are, and what the report shows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace

import numpy as np
import pandas as pd

from pipelines.compare.advice import Advice, advise
from pipelines.compare.chosen_team import ChosenTeam, chosen_team
from pipelines.compare.comparison_table import table
from pipelines.compare.contenders import (
    ALL_PRUNED,
    ALL_UNPRUNED,
    NOBODY,
    RANDOM,
    SELECTED,
    SINGLE_BEST,
    Contender,
    OtherForms,
)
from pipelines.compare.evidence import Evidence
from pipelines.compare.interval import Interval
from pipelines.compare.measurements import Measurements
from pipelines.compare.paired_tests import PairedTest, tested_together
from pipelines.compare.probability_scores import Reliability, reliability
from pipelines.compare.pruning_curves import Curve, MeanPoint, curves, mean_curve
from pipelines.compare.results import Result, on_pareto_front, results
from pipelines.compare.run_teams import Choose, contenders
from pipelines.compare.select_test_gap import select_test_gap
from pipelines.run.control import CONTROL
from pipelines.run.records import RoundRecord

Stopwatch = Callable[[Sequence[Contender]], Mapping[str, Measurements]]
"""Measures contenders, or looks up what was measured of them."""


@dataclass(frozen=True, eq=False, repr=False)
class Comparison:
    """All numbers of one run's comparison; the report computes none.

    Attributes
    ----------
    name, config, classes, split_sizes
        As in `Evidence`.
    seed
        Seeds the random teams and the bootstrap.
    command
        The command that made the run; empty where it is not known.
    results
        The rows of ``comparison.csv``.
    test_sha256
        Of the test samples; empty where it is not known.
    pareto
        The Pareto front: contenders that no other is both as cheap as and more accurate than,
        cheapest first.
    members, handed_on
        Every round of every run, and those that are the pruned pool.
    curves, mean_curve
        Validation accuracy against the share of units remaining.
    chosen
        The selected team.
    reliability
        By contender, for the selected team and all unpruned.
    select_test_gap
        By contender chosen on ``select``: accuracy there less accuracy on test.
    not_measured
        Columns that are empty because nobody measured them.
    notes
        Forms of the team that exist and were not compared, and why.
    measured_on
        How time and memory were measured, in a sentence; empty where they were not.
    against_random
        The selected team against a random one, on its own, not corrected; None where only
        one team of its size can be drawn.
    against_first
        The selected team against the first run's, where several are compared (`against_the_first`).
    """

    name: str
    config: Mapping[str, object]
    classes: tuple[str, ...]
    split_sizes: Mapping[str, int]
    seed: int
    command: str
    results: tuple[Result, ...]
    test_sha256: str
    pareto: tuple[str, ...]
    members: tuple[RoundRecord, ...]
    handed_on: tuple[RoundRecord, ...]
    curves: tuple[Curve, ...]
    mean_curve: tuple[MeanPoint, ...]
    chosen: ChosenTeam
    reliability: Mapping[str, Reliability]
    select_test_gap: Mapping[str, Interval]
    not_measured: tuple[str, ...]
    notes: tuple[str, ...] = ()
    measured_on: str = ""
    against_random: PairedTest | None = None
    against_first: PairedTest | None = None

    def __repr__(self) -> str:
        return f"<Comparison of {self.name!r}: {self.advice.answer}>"

    @property
    def table(self) -> pd.DataFrame:
        """``comparison.csv``, one row per contender."""
        return table(self.results)

    def row(self, contender: str) -> Result:
        """Return one contender's numbers."""
        return next(row for row in self.results if row.contender == contender)

    @property
    def firm_mean_curve(self) -> tuple[MeanPoint, ...]:
        """The mean curve as far as at least half of the runs came."""
        return tuple(p for p in self.mean_curve if 2 * p.runs >= len(self.curves))

    @property
    def selected(self) -> Result:
        """The selected team."""
        return self.row(SELECTED)

    @property
    def control(self) -> Result | None:
        """One unpruned network as costly as the team, where one was trained."""
        return next((row for row in self.results if row.contender == CONTROL), None)

    @property
    def against_control(self) -> PairedTest | None:
        """The selected team against the control."""
        test = self.control and self.control.versus(SELECTED)
        return test.mirrored if test else None

    @property
    def advice(self) -> Advice:
        """What the tests advise."""
        counts = self.chosen.confusion.counts.sum(1)
        most_frequent = float(counts.max() / counts.sum())
        return advise(self.selected, self.single_best, self.against_control, most_frequent)

    @property
    def all_unpruned(self) -> Result:
        """All M unpruned networks together."""
        return self.row(ALL_UNPRUNED)

    @property
    def single_best(self) -> Result:
        """The unpruned network best on the selection split."""
        return self.row(SINGLE_BEST)


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
            row.name: _reliability(row) for row in rows if row.name in (SELECTED, ALL_UNPRUNED)
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


def _reliability(row: Contender) -> Reliability:
    if row.scores.confidence is None:
        raise ValueError(f"{row.name} is a mean over draws and has no reliability diagram")
    return reliability(row.scores.confidence, row.scores.correct)


def _not_measured(rows: Sequence[Contender]) -> tuple[str, ...]:
    return tuple(
        f.name
        for f in fields(Measurements)
        if all(getattr(row.measured, f.name) is None for row in rows)
    )
