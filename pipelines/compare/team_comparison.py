"""What is known of a chosen team beside its rivals, whoever made the predictions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import pandas as pd

from pipelines.compare.chosen_team import ChosenTeam
from pipelines.compare.comparison_table import table
from pipelines.compare.contenders import SELECTED
from pipelines.compare.interval import Interval
from pipelines.compare.paired_tests import PairedTest
from pipelines.compare.probability_scores import Reliability
from pipelines.compare.results import Result


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class TeamComparison:
    """A chosen team's numbers beside its rivals'; the report computes none.

    Attributes
    ----------
    name
        What is compared.
    classes
        As text, in the order of the probability columns.
    split_sizes
        Samples in each split.
    seed
        Seeds the random teams and the bootstrap.
    command
        The command that made it; empty where it is not known.
    results
        The rows of ``comparison.csv``.
    pareto
        The Pareto front: contenders that no other is both as cheap as and more accurate than,
        cheapest first; empty where FLOPs are not known.
    chosen
        The selected team.
    reliability
        By contender, for the selected team and for all members together.
    select_test_gap
        By contender chosen on ``select``: accuracy there less accuracy on test.
    notes
        What else is to be kept in mind, a sentence each.
    against_random
        The selected team against a random one, on its own, not corrected; None where only
        one team of its size can be drawn.
    """

    whole: ClassVar[str]
    """The contender that is all members together."""

    single: ClassVar[str]
    """The contender that is one network, the best on ``select``."""

    name: str
    classes: tuple[str, ...]
    split_sizes: Mapping[str, int]
    seed: int
    command: str
    results: tuple[Result, ...]
    pareto: tuple[str, ...]
    chosen: ChosenTeam
    reliability: Mapping[str, Reliability]
    select_test_gap: Mapping[str, Interval]
    notes: tuple[str, ...] = ()
    against_random: PairedTest | None = None

    @property
    def table(self) -> pd.DataFrame:
        """``comparison.csv``, one row per contender."""
        return table(self.results)

    def row(self, contender: str) -> Result:
        """Return one contender's numbers."""
        return next(row for row in self.results if row.contender == contender)

    @property
    def naming_one_class(self) -> tuple[float, int]:
        """The most frequent class's share of the test samples, and of how many classes they are."""
        counts = self.chosen.confusion.counts.sum(1)
        return float(counts.max() / counts.sum()), int((counts > 0).sum())

    @property
    def selected(self) -> Result:
        """The selected team."""
        return self.row(SELECTED)

    @property
    def everyone(self) -> Result:
        """All members together."""
        return self.row(self.whole)

    @property
    def single_best(self) -> Result:
        """The single network best on the selection split."""
        return self.row(self.single)
