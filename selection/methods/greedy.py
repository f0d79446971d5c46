"""Greedy forward selection: add the member that helps most."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from selection.methods.method import METHODS, SelectionMethod
from selection.search.levels import Search, looked_at, most_accurate
from selection.search.problem import Problem


@METHODS.register("greedy")
@dataclass(kw_only=True, eq=False)
class GreedySelection(SelectionMethod):
    """Start from the most accurate member; add the one that leaves the team most accurate.

    Without replacement. Ties by diversity, then cost. It goes on to size S even where the
    accuracy falls; with a budget, the most accurate team on the way is chosen.
    """

    def search(self, problem: Problem) -> Search:
        """Grow one team, a member at a time."""
        team: tuple[int, ...] = ()
        levels = []
        for size in range(1, problem.size + 1):
            rest = np.setdiff1d(problem.allowed, team)
            grown = np.array([[*team, row] for row in rest], np.int16).reshape(-1, size)
            if not len(grown):
                break
            levels.append(looked_at(problem, grown))
            if not levels[-1].standing.any():
                break
            team = most_accurate(problem, levels[-1:], sizes=range(size, size + 1))
        return Search(most_accurate(problem, levels), tuple(levels))
