"""The most accurate of all teams: accuracy on the selection split and nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from math import comb

from pruning.core.errors import RequestError
from selection.methods.method import METHODS, SelectionMethod
from selection.search.lattice import MOST_TEAMS, all_teams
from selection.search.levels import Search, looked_at, most_accurate
from selection.search.problem import Problem


def every_team(problem: Problem, method: str) -> Search:
    """Return all teams that may be chosen, none chosen yet; too many are refused."""
    number = sum(comb(len(problem.allowed), size) for size in problem.sizes)
    if number > MOST_TEAMS:
        raise RequestError(
            f"method {method!r} would look at {number:,} teams; allowed {MOST_TEAMS:,}: "
            "take a smaller pool or team, or the method 'hq' or 'soft'"
        )
    levels = [looked_at(problem, all_teams(problem.allowed, size)) for size in problem.sizes]
    return Search((), tuple(levels))


@METHODS.register("exhaustive")
@dataclass(kw_only=True, eq=False)
class ExhaustiveSelection(SelectionMethod):
    """The most accurate of all C(M, S) teams; ties by diversity, then cost."""

    def search(self, problem: Problem) -> Search:
        """Look at every team."""
        found = every_team(problem, "exhaustive")
        return Search(most_accurate(problem, found.levels), found.levels)
