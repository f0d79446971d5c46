"""The most diverse of all teams: diversity and nothing else."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from selection.methods.exhaustive import every_team
from selection.methods.method import DEFAULT_MEASURES, METHODS, SelectionMethod
from selection.search.hierarchy import rank_share
from selection.search.levels import Search
from selection.search.problem import Problem
from selection.team import as_team


@METHODS.register("diversity")
@dataclass(kw_only=True, eq=False)
class DiversitySelection(SelectionMethod):
    """Of all teams of the largest size that fits, the first by mean rank over the measures.

    The measures are read over all samples. Accuracy is not looked at: what diversity is
    worth by itself.
    """

    measures: tuple[str, ...] = DEFAULT_MEASURES

    def search(self, problem: Problem) -> Search:
        """Rank every team by every measure."""
        found = every_team(problem, "diversity")
        level = next(level for level in reversed(found.levels) if level.standing.any())
        fits = level.standing
        ranks = [rank_share(problem.diversity(level.teams[fits], name)) for name in self.measures]
        agreed = np.zeros(len(fits))
        agreed[fits] = np.mean(ranks, axis=0)
        first = np.flatnonzero(fits)[np.argmax(np.round(agreed[fits], 12))]
        ranked = replace(level, diversity=agreed)
        return Search(as_team(level.teams[first]), (ranked,))
