"""The interface every selection method has, and the registry of them."""

from __future__ import annotations

import inspect
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pruning.core.errors import RequestError
from pruning.core.registry import Registry
from selection.costs import Budget, PoolCosts
from selection.pool import PoolPredictions
from selection.search.candidates import candidate_table, level_table
from selection.search.levels import Search, with_right
from selection.search.problem import Problem
from selection.search.thrift import thriftiest
from selection.setting_kinds import check_settings
from selection.team import Team
from selection.voting import VOTES

DEFAULT_MEASURES = ("cohen_kappa", "disagreement", "generalized_diversity")
"""What HQ asks by default: Kohavi–Wolpert would say of one size what disagreement says."""


@dataclass(kw_only=True, eq=False)
class SelectionMethod(ABC):
    """Chooses `size` of M members that vote best together.

    It follows scikit-learn's conventions: settings are kept as given and checked by `fit`,
    what is found has a trailing underscore, and ``sklearn.base.clone`` copies it unfitted.

    Parameters
    ----------
    size
        Members of the team; with a budget that some team of so many exceeds, the most members.
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
    weights_
        (S,) its members' weights, summing to 1.
    accuracy_
        Its accuracy on the selection split, in 0..1, counted as its row in `candidates_` is.
    candidates_
        Structured array of the best 1,000 teams looked at; see `selection.search.candidates`.
    levels_
        Structured array of counts per team size.
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
        return self.fit_pool(PoolPredictions.of(probabilities, labels), costs)

    def fit_pool(self, pool: PoolPredictions, costs: PoolCosts | None = None) -> Self:
        """Choose a team from validated predictions; those of the test split are refused."""
        return self.fit_problem(self.problem(pool, costs))

    def fit_problem(self, problem: Problem) -> Self:
        """Choose a team from what `problem` makes of a pool."""
        search = self._chosen(problem)
        self.team_: Team = search.team
        self.weights_: NDArray[np.float64] = self._team_weights(problem, self.team_)
        right = problem.team_accuracy.right_weighted(self.team_, self.weights_)
        self.accuracy_ = right / len(problem.pool.labels)
        self.search_ = with_right(search, right)
        self.candidates_: NDArray[np.void] = candidate_table(problem, self.search_, self.reported)
        self.levels_: NDArray[np.void] = level_table(search)
        return self

    def choose(self, pool: PoolPredictions, costs: PoolCosts | None = None) -> Search:
        """Return the search alone, without the tables `fit_pool` makes of it."""
        return self._chosen(self.problem(pool, costs))

    def team_and_weights(
        self, pool: PoolPredictions, costs: PoolCosts | None = None
    ) -> tuple[Team, NDArray[np.float64]]:
        """Return the team and the (S,) weights of its members, without the tables."""
        problem = self.problem(pool, costs)
        team = self._chosen(problem).team
        return team, self._team_weights(problem, team)

    def problem(self, pool: PoolPredictions, costs: PoolCosts | None = None) -> Problem:
        """Return the choice to be made of a pool with these settings, both checked."""
        check_settings(self, self.parameters())
        if self.seed < 0:
            raise RequestError(f"`seed` {self.seed}; allowed 0 and more")
        return Problem(
            pool, self.size, self.voting, PoolCosts() if costs is None else costs, self.budget,
            smaller=self.thrifty,
        )  # fmt: skip

    def _chosen(self, problem: Problem) -> Search:
        search = self.search(problem)
        self._weighed: Team = search.team
        return thriftiest(problem, search) if self.thrifty else search

    def _team_weights(self, problem: Problem, team: Team) -> NDArray[np.float64]:
        own = self.weights() if self.voting == "mean" else None
        if own is not None and set(team) <= set(self._weighed):
            own = own[np.isin(self._weighed, team)]
            return np.asarray(own / own.sum())
        members = problem.pool.probabilities[list(team)]
        return VOTES[self.voting]().weights(members, problem.pool.labels)

    def weights(self) -> NDArray[np.float64] | None:
        """Return the weights that the method itself found for its search's team, or None.

        They are the mean vote's; a thriftier part of that team keeps its members' own.
        """
        return None

    @classmethod
    def parameters(cls) -> tuple[str, ...]:
        """Return the names of the method's settings."""
        return tuple(inspect.signature(cls).parameters)

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Return the settings by name, as given."""
        return {name: getattr(self, name) for name in self.parameters()}

    def set_params(self, **params: Any) -> Self:
        """Set settings by name and return self; a name that is none is a `RequestError`."""
        for name, value in params.items():
            if name not in self.parameters():
                raise RequestError(
                    f"{type(self).__name__} has no setting {name!r}; "
                    f"known: {', '.join(self.parameters())}"
                )
            setattr(self, name, value)
        return self

    @property
    def reported(self) -> tuple[str, ...]:
        """Measures the candidates table shows."""
        return DEFAULT_MEASURES

    @abstractmethod
    def search(self, problem: Problem) -> Search:
        """Return the chosen team and what was looked at."""

    def options(self) -> dict[str, Any]:
        """Return the settings that only this method has, and `thrifty`, as plain JSON values."""
        shared = {"size", "voting", "budget", "seed"}
        params = self.get_params().items()
        return {name: _plain(value) for name, value in params if name not in shared}


def _plain(value: Any) -> Any:
    """Return a setting as JSON has it: sequences as lists, NumPy's numbers as Python's."""
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return value.item() if isinstance(value, np.generic) else value


METHODS: Registry[type[SelectionMethod]] = Registry(
    "selection method", "selection.methods", SelectionMethod, user_code=True
)
