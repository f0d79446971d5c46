"""The comparison: every contender's numbers, how sure they are, and what the report shows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pipelines.compare.advice import Advice, advise
from pipelines.compare.class_recall import ClassRecall, suffering
from pipelines.compare.contenders import (
    ALL_UNPRUNED,
    SELECTED,
    SINGLE_BEST,
)
from pipelines.compare.paired_tests import PairedTest
from pipelines.compare.pruning_curves import Curve, MeanPoint
from pipelines.compare.results import Result
from pipelines.compare.team_comparison import TeamComparison
from pipelines.run.control_files import CONTROL, SMALL_TEAM
from pipelines.run.records import RoundRecord


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class Comparison(TeamComparison):
    """All numbers of one run's comparison; the report computes none.

    Attributes
    ----------
    name, config, classes, split_sizes
        As in `Evidence`.
    test_sha256
        Of the test samples; empty where it is not known.
    members, handed_on
        Every round of every run, and those that are the pruned pool.
    curves, mean_curve
        Validation accuracy against the share of units remaining.
    not_measured
        Columns that are empty because nobody measured them.
    notes
        Forms of the team that exist and were not compared, and why.
    measured_on
        How time and memory were measured, in a sentence; empty where they were not.
    trains_control
        The command that trains a control, where there is none and one can be; else empty.
    against_first
        The selected team against the first run's, where several are compared (`against_the_first`).
    """

    whole = ALL_UNPRUNED
    single = SINGLE_BEST

    config: Mapping[str, object]
    test_sha256: str
    members: tuple[RoundRecord, ...]
    handed_on: tuple[RoundRecord, ...]
    curves: tuple[Curve, ...]
    mean_curve: tuple[MeanPoint, ...]
    not_measured: tuple[str, ...]
    measured_on: str = ""
    trains_control: str = ""
    against_first: PairedTest | None = None

    def __repr__(self) -> str:
        return f"<Comparison of {self.name!r}: {self.advice.answer}>"

    @property
    def firm_mean_curve(self) -> tuple[MeanPoint, ...]:
        """The mean curve as far as at least half of the runs came."""
        return tuple(p for p in self.mean_curve if 2 * p.runs >= len(self.curves))

    @property
    def control(self) -> Result | None:
        """One unpruned network as costly as the team, where one was trained."""
        return self._brought(CONTROL)

    @property
    def small_team(self) -> Result | None:
        """As many small unpruned networks, together as costly, where they were trained."""
        return self._brought(SMALL_TEAM)

    @property
    def against_control(self) -> PairedTest | None:
        """The selected team against the control."""
        return _mirrored(self.control)

    @property
    def against_small_team(self) -> PairedTest | None:
        """The selected team against the small one."""
        return _mirrored(self.small_team)

    @property
    def advice(self) -> Advice:
        """What the tests advise."""
        return advise(
            self.selected, self.single_best, self.against_control, self.against_small_team,
            *self.naming_one_class,
        )  # fmt: skip

    @property
    def suffering(self) -> tuple[ClassRecall, ...]:
        """Rare classes of which the team recognises less than of the rest."""
        return suffering(self.chosen.confusion.counts)

    @property
    def all_unpruned(self) -> Result:
        """All M unpruned networks together."""
        return self.row(ALL_UNPRUNED)

    def _brought(self, name: str) -> Result | None:
        return next((row for row in self.results if row.contender == name), None)


def _mirrored(control: Result | None) -> PairedTest | None:
    test = control and control.versus(SELECTED)
    return test.mirrored if test else None
