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
        rows = problem.allowed
        order = np.lexsort((-problem.cheapness(rows[:, None]), -problem.member_right[rows]))
        team: list[int] = []
        tried: dict[int, list[list[int]]] = {}
        for row in rows[order].tolist():
            if len(team) == problem.size:
                break
            grown = [*team, row]
            tried.setdefault(len(grown), []).append(grown)
            if problem.budget.fits(problem.costs, np.array([grown]))[0]:
                team = grown
        levels = [looked_at(problem, np.array(teams)) for teams in tried.values()]
        return Search(most_accurate(problem, levels), tuple(levels))
