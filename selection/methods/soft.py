"""Search by soft accuracy, which depends less on chance than accuracy does."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pruning.core.errors import RequestError
from selection.methods.method import METHODS, SelectionMethod
from selection.search.levels import UNKNOWN, Search, looked_at
from selection.search.problem import Problem
from selection.search.soft_accuracy import SoftAccuracy
from selection.team import Team, as_team


@METHODS.register("soft")
@dataclass(kw_only=True, eq=False)
class SoftSelection(SelectionMethod):
    """The team of the greatest soft accuracy, found by exchanging members.

    From several starts (grown greedily, the most accurate members, random teams) the best
    neighbouring team is taken until none is better: one member exchanged, and, with a
    budget, one added or left out. Ties by accuracy, then cost. It looks at a few thousand
    teams at any M and S.

    Parameters
    ----------
    width
        Half the ramp of `selection.search.soft_accuracy`, in probability, > 0.
    starts
        Random starts, besides the greedy one and the most accurate members.

    >>> p = np.random.default_rng(0).dirichlet(np.ones(3), (8, 200))
    >>> len(SoftSelection(size=3).fit(p, np.zeros(200, int)).team_)
    3
    """

    width: float = 0.4
    starts: int = 4

    def search(self, problem: Problem) -> Search:
        """Climb from every start, keep the best team."""
        if not self.width > 0 or self.starts < 0:
            raise RequestError(f"width {self.width} and starts {self.starts}; allowed > 0 and ≥ 0")
        climb = _Climb(problem, SoftAccuracy(problem, self.width))
        rng = np.random.default_rng(self.seed)
        by_accuracy = np.argsort(-problem.member_right, kind="stable")
        orders = [by_accuracy, *(rng.permutation(problem.members) for _ in range(self.starts))]
        climb.up(climb.grown())
        for order in orders:
            climb.up(climb.filled(order))
        met = climb.seen.keys() | climb.over
        sizes = sorted({len(team) for team in met} & set(problem.sizes))
        levels = tuple(
            looked_at(problem, np.array(sorted(t for t in met if len(t) == n))) for n in sizes
        )
        right = {
            as_team(team): int(count)
            for level in levels
            for team, count in zip(level.teams, level.right, strict=True)
            if count != UNKNOWN
        }
        best = max(value for team, value in climb.seen.items() if team in right)
        tied = [team for team in right if climb.seen[team] == best]
        cheap = {team: problem.cheapness(np.array([team]))[0] for team in tied}
        return Search(min(tied, key=lambda t: (-right[t], -cheap[t], len(t), t)), levels)


class _Climb:
    """Hill climbing over teams, every value kept, and which teams were over the budget."""

    def __init__(self, problem: Problem, soft: SoftAccuracy) -> None:
        self.problem, self.soft = problem, soft
        self.seen: dict[Team, float] = {}
        self.over: set[Team] = set()

    def up(self, team: Team) -> None:
        """Move to the best neighbour until none is better."""
        self._value([team])
        while True:
            nearby = self._neighbours(team)
            self._value(nearby)
            best = max(nearby, key=lambda t: (self.seen[t], t), default=team)
            if self.seen[best] <= self.seen[team]:
                return
            team = best

    def grown(self) -> Team:
        """Return the team grown by the best addition each time."""
        team: Team = ()
        while len(team) < self.problem.size:
            larger = self._fitting([as_team([*team, row]) for row in self._others(team)])
            if not larger:
                break
            self._value(larger)
            team = max(larger, key=lambda t: (self.seen[t], t))
        return team

    def filled(self, order: NDArray[Any]) -> Team:
        """Return the first members of an order that fit together."""
        team: Team = ()
        for row in order[np.isin(order, self.problem.allowed)].tolist():
            if len(team) < self.problem.size:
                team = next(iter(self._fitting([as_team([*team, row])])), team)
        return team

    def _neighbours(self, team: Team) -> list[Team]:
        others = self._others(team)
        less = [tuple(r for r in team if r != out) for out in team]
        near = [as_team([*rest, row]) for rest in less for row in others]
        if len(self.problem.sizes) > 1:
            near += [rest for rest in less if rest]
            near += [as_team([*team, row]) for row in others if len(team) < self.problem.size]
        return self._fitting(near)

    def _others(self, team: Team) -> list[int]:
        return [row for row in self.problem.allowed.tolist() if row not in team]

    def _fitting(self, teams: list[Team]) -> list[Team]:
        if not self.problem.budget.limited:
            return teams
        fits = [self.problem.budget.fits(self.problem.costs, np.array([t]))[0] for t in teams]
        self.over.update(team for team, fit in zip(teams, fits, strict=True) if not fit)
        return [team for team, fit in zip(teams, fits, strict=True) if fit]

    def _value(self, teams: list[Team]) -> None:
        new = sorted({team for team in teams if team not in self.seen})
        for size in sorted({len(team) for team in new}):
            same = [team for team in new if len(team) == size]
            values = self.soft.of(np.array(same))
            self.seen.update(zip(same, values.tolist(), strict=True))
