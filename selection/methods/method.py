"""The interface every selection method has, and the registry of them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pruning.core.registry import Registry
from selection.costs import Budget, PoolCosts
from selection.pool import PoolPredictions
from selection.search.candidates import candidate_table, level_table
from selection.search.found import Search
from selection.search.problem import Problem
from selection.search.thrift import thriftiest
from selection.team import Team

DEFAULT_MEASURES = ("cohen_kappa", "disagreement", "generalized_diversity")
"""What HQ asks by default: Kohavi–Wolpert would say of one size what disagreement says."""


@dataclass(kw_only=True)
class SelectionMethod(ABC):
    """Chooses `size` of M members that vote best together.

    Parameters
    ----------
    size
        Members of the team; with a budget, the most members.
    voting
        Name of the vote the team is judged by.
    budget
        The most a team may cost.
    seed
        Of methods that draw; the others do not read it.
    thrifty
        Choose the cheapest team, of any size up to `size`, that is not less accurate beyond
        noise than the method's own choice; see `selection.search.thrift`.

    Attributes
    ----------
    team_
        Sorted pool rows of the chosen team.
    candidates_
        Structured array of the best 1,000 teams looked at; see `selection.search.candidates`.
    levels_
        Structured array of counts a team size.
    search_
        All that was looked at.
    """

    size: int = 5
    voting: str = "mean"
    budget: Budget = field(default_factory=Budget)
    seed: int = 0
    thrifty: bool = False

    def fit(
        self, probabilities: ArrayLike, labels: ArrayLike, costs: PoolCosts | None = None
    ) -> Self:
        """Choose a team from (M, N, C) probabilities and (N,) labels of the selection split."""
        p = np.asarray(probabilities, np.float32)
        ids = tuple(str(row) for row in range(len(p)))
        return self.fit_pool(PoolPredictions(p, np.asarray(labels, np.int64), ids, "select"), costs)

    def fit_pool(self, pool: PoolPredictions, costs: PoolCosts | None = None) -> Self:
        """Choose a team from validated predictions; those of the test split are refused."""
        problem = self._problem(pool, costs)
        search = self._chosen(problem)
        self.team_: Team = search.team
        self.candidates_: NDArray[np.void] = candidate_table(problem, search, self.reported)
        self.levels_: NDArray[np.void] = level_table(search)
        self.search_ = search
        return self

    def choose(self, pool: PoolPredictions, costs: PoolCosts | None = None) -> Search:
        """Return the search alone, without the tables `fit_pool` makes of it."""
        return self._chosen(self._problem(pool, costs))

    def _chosen(self, problem: Problem) -> Search:
        search = self.search(problem)
        return thriftiest(problem, search) if self.thrifty else search

    def _problem(self, pool: PoolPredictions, costs: PoolCosts | None) -> Problem:
        return Problem(
            pool, self.size, self.voting, costs or PoolCosts(), self.budget, smaller=self.thrifty
        )

    def weights(self) -> NDArray[np.float64] | None:
        """Return (S,) weights the method itself found for the mean vote, or None."""
        return None

    @property
    def reported(self) -> tuple[str, ...]:
        """Measures the candidates table shows."""
        return DEFAULT_MEASURES

    @abstractmethod
    def search(self, problem: Problem) -> Search:
        """Return the chosen team and what was looked at."""

    def options(self) -> dict[str, Any]:
        """Return the method's own settings as plain JSON values."""
        shared = {"size", "voting", "budget", "seed"}
        plain: dict[str, Any] = {}
        for name in self.__dataclass_fields__:
            value = getattr(self, name)
            if name not in shared:
                plain[name] = list(value) if isinstance(value, tuple) else value
        return plain


METHODS: Registry[type[SelectionMethod]] = Registry(
    "selection method", "selection.methods", SelectionMethod, own=True
)
