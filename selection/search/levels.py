"""What a method looked at: teams of each size, and why they stand or fell."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from selection.search.problem import Problem
from selection.team import Team, as_team

Teams = NDArray[np.integer[Any]]

UNKNOWN = -1
STANDS = ""
"""The reason of a team that did not fall."""

BUDGET = "budget"
"""The reason of a team that costs more than it may."""


@dataclass(frozen=True, eq=False)
class Level:
    """Teams of one size.

    Attributes
    ----------
    teams
        (T, n) sorted pool rows.
    right
        (T,) samples each gets right; `UNKNOWN` where the method did not need to count.
    diversity
        (T,) the method's own diversity, more is more diverse; it settles ties.
    reasons
        Names of what a team may fall by; ``reasons[0]`` is `STANDS`.
    fell_by
        (T,) index into `reasons`.
    focal
        Focal diversity by measure, each (T,) in 0..1; empty where a method has none.
    """

    teams: NDArray[np.int16]
    right: NDArray[np.int64]
    diversity: NDArray[np.float64]
    reasons: tuple[str, ...] = (STANDS,)
    fell_by: NDArray[np.int8] | None = None
    focal: Sequence[tuple[str, NDArray[np.float64]]] = ()

    @property
    def size(self) -> int:
        """Members of a team."""
        return int(self.teams.shape[1])

    @property
    def standing(self) -> NDArray[np.bool_]:
        """(T,) which teams did not fall."""
        if self.fell_by is None:
            return np.ones(len(self.teams), bool)
        stands: NDArray[np.bool_] = self.fell_by == 0
        return stands

    def fell(self, reason: str) -> NDArray[np.bool_]:
        """Return (T,) which teams fell by this reason."""
        if self.fell_by is None or reason not in self.reasons:
            return np.zeros(len(self.teams), bool)
        fell: NDArray[np.bool_] = self.fell_by == self.reasons.index(reason)
        return fell


@dataclass(frozen=True, eq=False)
class Search:
    """The chosen team and all that was looked at for it."""

    team: Team
    levels: tuple[Level, ...]


def looked_at(problem: Problem, teams: Teams) -> Level:
    """Return a level of teams with what they get right; those over the budget fall."""
    ordered = np.sort(teams, 1).astype(np.int16)
    fits = problem.budget.fits(problem.costs, ordered)
    if fits.all():
        return Level(ordered, problem.right(ordered), problem.diversity(ordered))
    right = np.full(len(ordered), UNKNOWN, np.int64)
    right[fits] = problem.right(ordered[fits])
    fell_by = np.where(fits, 0, 1).astype(np.int8)
    return Level(ordered, right, problem.diversity(ordered), (STANDS, BUDGET), fell_by)


def with_right(search: Search, right: int) -> Search:
    """Return the search with this many samples right of the chosen team, in its own row."""

    def told(level: Level) -> Level:
        if level.size != len(search.team):
            return level
        chosen = (level.teams == np.array(search.team)).all(1)
        return replace(level, right=np.where(chosen, right, level.right))

    return replace(search, levels=tuple(map(told, search.levels)))


def most_accurate(problem: Problem, levels: Sequence[Level], sizes: range | None = None) -> Team:
    """Return the best standing team by accuracy; ties by diversity, then cost, then order.

    Diversity compares teams of one size; a draw between sizes goes to the smaller team.
    `sizes` are those that may be chosen; the problem's when None.
    """
    best: tuple[float, ...] = ()
    team: Team = ()
    for level in levels:
        rows = np.flatnonzero(level.standing)
        if level.size not in (sizes or problem.sizes) or not len(rows):
            continue
        rows = rows[level.right[rows] == level.right[rows].max()]
        rows = rows[level.diversity[rows] == level.diversity[rows].max()]
        cheap = problem.cheapness(level.teams[rows])
        row = rows[np.lexsort((*level.teams[rows].T[::-1], -cheap))[0]]
        key = (float(level.right[row]), -float(level.size))
        if key > best:
            best, team = key, as_team(level.teams[row])
    return team
