"""A random team: the yardstick, with its spread over draws."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pruning.core.errors import RequestError
from selection.methods.method import METHODS, SelectionMethod
from selection.search.levels import Search, looked_at
from selection.search.problem import Problem
from selection.team import as_team


@METHODS.register("random")
@dataclass(kw_only=True, eq=False)
class RandomSelection(SelectionMethod):
    """The first of `draws` random teams; the others tell what chance gives.

    Attributes
    ----------
    mean_, spread_
        Mean and standard deviation of the draws' accuracies on the selection split.
    """

    draws: int = 100

    def search(self, problem: Problem) -> Search:
        """Draw teams; with a budget, members in random order while the team fits."""
        if self.draws < 1:
            raise RequestError(f"draws {self.draws}; allowed 1 and more")
        rng = np.random.default_rng(self.seed)
        drawn = [as_team(self._draw(problem, rng)) for _ in range(self.draws)]
        by_size = {n: sorted({t for t in drawn if len(t) == n}) for n in problem.sizes}
        levels = tuple(looked_at(problem, np.array(teams)) for teams in by_size.values() if teams)
        right = {
            as_team(team): int(count)
            for level in levels
            for team, count in zip(level.teams, level.right, strict=True)
        }
        accuracies = np.array([right[team] for team in drawn]) / len(problem.pool.labels)
        self.mean_, self.spread_ = float(accuracies.mean()), float(accuracies.std())
        return Search(drawn[0], levels)

    @staticmethod
    def _draw(problem: Problem, rng: np.random.Generator) -> list[int]:
        team: list[int] = []
        for row in rng.permutation(problem.allowed):
            fits = problem.budget.fits(problem.costs, np.array([[*team, row]]))[0]
            if len(team) < problem.size and fits:
                team.append(int(row))
        return team
