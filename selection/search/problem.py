"""One choice to be made: a pool, the team's size, its vote, costs and limits."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pruning.core.errors import RequestError
from selection.costs import Budget, PoolCosts
from selection.measures import MEASURES
from selection.pair_counts import SampleSets
from selection.pool import PoolPredictions
from selection.search.accuracy import TeamAccuracy
from selection.search.squared_error import error_products

Teams = NDArray[np.integer[Any]]


def _check_kind(name: str, value: object, kind: type, way: str) -> None:
    if not isinstance(value, kind):
        raise RequestError(f"`{name}` is a {type(value).__name__}; expected {way}")


@dataclass(frozen=True, eq=False)
class Problem:
    """What every selection method is given.

    Attributes
    ----------
    pool
        Predictions on the selection split; the test split is refused.
    size
        Members of the team, 1..M; with a budget that some team of so many exceeds, the most
        members.
    voting
        Name of the vote.
    costs, budget
        What members cost, and the most a team may; a limit that no team of `size` members
        exceeds is left out, for it limits nothing.
    smaller
        Whether a team of fewer members may be chosen too; with a budget it may.
    """

    pool: PoolPredictions
    size: int
    voting: str = "mean"
    costs: PoolCosts = field(default_factory=PoolCosts)
    budget: Budget = field(default_factory=Budget)
    smaller: bool = False

    def __post_init__(self) -> None:
        _check_kind("pool", self.pool, PoolPredictions, "PoolPredictions.of(probabilities, labels)")
        _check_kind("costs", self.costs, PoolCosts, "PoolCosts.of(flops=…)")
        if self.pool.split == "test":
            raise RequestError("selection on the split 'test'; test data is never chosen by")
        if not 1 <= self.size <= len(self.pool):
            raise RequestError(
                f"`size` {self.size}; allowed 1..{len(self.pool)} (the members in the pool)"
            )
        self.costs.check(len(self.pool))
        self.budget.check(self.costs, len(self.pool))
        object.__setattr__(self, "budget", self.budget.binding(self.costs, self.size))

    @property
    def members(self) -> int:
        """M, the rows of the pool."""
        return len(self.pool)

    @property
    def sizes(self) -> range:
        """The sizes a chosen team may have."""
        any_size = self.smaller or bool(self.budget.limited)
        return range(1 if any_size else self.size, self.size + 1)

    @property
    def counted(self) -> range:
        """The sizes whose teams' accuracy is asked for: every one where costs are known."""
        return range(1, self.size + 1) if any(True for _ in self.costs) else self.sizes

    @cached_property
    def predictions(self) -> NDArray[np.int64]:
        """(M, N) predicted labels."""
        return self.pool.predictions

    @cached_property
    def member_right(self) -> NDArray[np.int64]:
        """(M,) samples each member gets right."""
        right: NDArray[np.int64] = (self.predictions == self.pool.labels).sum(1)
        return right

    @cached_property
    def team_accuracy(self) -> TeamAccuracy:
        """Counts what teams get right."""
        return TeamAccuracy(self.pool, self.voting, self.size)

    @cached_property
    def whole(self) -> SampleSets:
        """All samples as one set."""
        return SampleSets.whole(self.predictions, self.pool.labels)

    @cached_property
    def negatives(self) -> SampleSets:
        """Each member's negative samples."""
        return SampleSets.negatives(self.predictions, self.pool.labels)

    @cached_property
    def error_products(self) -> NDArray[np.float64]:
        """(M, M) from which the squared error of a team's mean vote is known."""
        return error_products(self.pool.probabilities, self.pool.labels)

    @cached_property
    def allowed(self) -> NDArray[np.intp]:
        """Rows that fit the budget alone, rising."""
        return np.flatnonzero(self.budget.fits(self.costs, np.arange(self.members)[:, None]))

    def right(self, teams: Teams) -> NDArray[np.int64]:
        """Return (T,) samples each team gets right."""
        return self.team_accuracy.right(teams)

    def diversity(self, teams: Teams, measure: str = "disagreement") -> NDArray[np.float64]:
        """Return (T,) a measure over all samples, flipped so that more is more diverse."""
        if teams.shape[1] < 2:
            return np.zeros(len(teams))
        chosen = MEASURES[measure]()
        value = chosen.prepare(self.whole)(teams, np.zeros((len(teams), 1), np.intp))[:, 0]
        return value if chosen.more_is_diverse else -value

    def cheapness(self, teams: Teams) -> NDArray[np.float64]:
        """Return (T,) minus the first known cost; 0 without costs."""
        for kind, _ in self.costs:
            return -self.costs.total(kind, teams)
        return np.zeros(len(teams))
