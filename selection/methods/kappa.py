"""Kappa pruning (Margineantu & Dietterich 1997)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from selection.methods.method import METHODS, SelectionMethod
from selection.search.lattice import all_teams
from selection.search.levels import Search, looked_at
from selection.search.problem import Problem


@METHODS.register("kappa")
@dataclass(kw_only=True, eq=False)
class KappaPruning(SelectionMethod):
    """Take pairs by rising Cohen's κ over all samples until S members are in.

    The last pair may bring one too many: then its more accurate member is taken. Pairs of
    equal κ come by accuracy. A member that would break the budget is passed over.

    Margineantu & Dietterich, *Pruning Adaptive Boosting* (ICML 1997).
    """

    def search(self, problem: Problem) -> Search:
        """Take the least agreeing pairs."""
        pairs = all_teams(problem.members, 2) if problem.members > 1 else np.zeros((0, 2), int)
        kappa = np.round(-problem.diversity(pairs, "cohen_kappa"), 12)
        order = np.lexsort((-problem.member_right[pairs].sum(1), kappa))
        by_accuracy = np.argsort(-problem.member_right, kind="stable")
        team: list[int] = []
        for pair in [*pairs[order].tolist(), by_accuracy.tolist()]:
            for row in sorted(pair, key=lambda r: -int(problem.member_right[r])):
                grown = np.array([[*team, row]])
                fits = problem.budget.fits(problem.costs, grown)[0]
                if row not in team and len(team) < problem.size and fits:
                    team.append(row)
        level = looked_at(problem, np.array([team]))
        return Search(tuple(sorted(team)), (level,))
