"""The most diverse of all teams: diversity and nothing else."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from selection.methods.exhaustive import every_team
from selection.methods.method import DEFAULT_MEASURES, METHODS, SelectionMethod
from selection.search.hierarchy import rank_share
from selection.search.levels import Level, Search
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
        level = next(level for level in reversed(found.levels) if len(level.teams))
        ranks = [rank_share(problem.diversity(level.teams, name)) for name in self.measures]
        agreed = np.mean(ranks, axis=0)
        first = int(np.argmax(np.round(agreed, 12)))
        ranked = Level(level.teams, level.right, agreed)
        return Search(as_team(level.teams[first]), (ranked,))
