"""Backward elimination: drop the member that is missed least."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from selection.methods.method import METHODS, SelectionMethod
from selection.search.accuracy import TeamAccuracy
from selection.search.levels import Level, Search, most_accurate
from selection.search.problem import Problem


@METHODS.register("backward")
@dataclass(kw_only=True, eq=False)
class BackwardSelection(SelectionMethod):
    """Start from all members; drop the one without which the team is most accurate.

    Ties by diversity, then cost. Down to size S, and on to size 1 with a budget; the most
    accurate team that fits is chosen.
    """

    def search(self, problem: Problem) -> Search:
        """Shrink one team, a member at a time."""
        accuracy = TeamAccuracy(problem.pool, problem.voting, problem.members)
        team = tuple(problem.allowed.tolist())
        teams = np.array([team], np.int16)
        levels: list[Level] = []
        while True:
            level = Level(teams, accuracy.right(teams), problem.diversity(teams))
            size = teams.shape[1]
            if size <= problem.size:
                levels.append(self._within(problem, level))
            team = most_accurate(problem, [level], sizes=range(size, size + 1))
            if len(team) <= problem.sizes[0]:
                return Search(most_accurate(problem, levels), tuple(levels))
            teams = np.array([np.delete(team, k) for k in range(len(team))], np.int16)

    @staticmethod
    def _within(problem: Problem, level: Level) -> Level:
        fits = problem.budget.fits(problem.costs, level.teams)
        over = np.where(fits, 0, 1).astype(np.int8)
        return Level(level.teams, level.right, level.diversity, ("", "budget"), over)
