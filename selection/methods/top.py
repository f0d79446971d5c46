"""The S most accurate members."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from selection.methods.method import METHODS, SelectionMethod
from selection.search.levels import Search, looked_at, most_accurate
from selection.search.problem import Problem


@METHODS.register("top")
@dataclass(kw_only=True, eq=False)
class TopSelection(SelectionMethod):
    """The S members most accurate alone; ties by cost, then pool order.

    With a budget: members by falling accuracy while the team fits, skipping those that
    would not; the most accurate of the teams on the way.
    """

    def search(self, problem: Problem) -> Search:
        """Take members by falling accuracy."""
        singles = np.arange(problem.members)[:, None]
        order = np.lexsort((-problem.cheapness(singles), -problem.member_right))
        team: list[int] = []
        levels = []
        for row in order:
            grown = np.array([[*team, row]])
            if len(team) < problem.size and problem.budget.fits(problem.costs, grown)[0]:
                team.append(int(row))
                levels.append(looked_at(problem, grown))
        return Search(most_accurate(problem, levels), tuple(levels))
