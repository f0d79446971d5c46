"""The cheapest team that is as good as the best, as far as the selection split can tell.

The one-standard-error rule of Breiman, Friedman, Olshen & Stone, *Classification and
Regression Trees* (1984), with the error of the paired difference.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from pruning.core.errors import RequestError
from selection.search.levels import UNKNOWN, Search
from selection.search.problem import Problem
from selection.team import as_team

MOST_COMPARED = 1_000
"""The most accurate teams of one size that are compared with the best, sample by sample."""


def thriftiest(problem: Problem, search: Search) -> Search:
    """Return the search with the cheapest team within one standard error chosen.

    Among the standing teams of every size looked at, those whose accuracy on the selection
    split falls short of the chosen team's by at most one standard error of the difference:
    with b samples that only the chosen team gets right and c that only the other does,
    b − c ≤ √(b + c), as McNemar's test counts. The cheapest by the first known cost; ties by
    accuracy, then order.

    Raises
    ------
    RequestError
        Without costs.
    """
    if not any(True for _ in problem.costs):
        raise RequestError(
            "`thrifty`, the cheapest team that is as good, needs the members' costs; none were "
            "given: costs=PoolCosts.of(flops=…), or an array flops (M,) in the file of predictions"
        )
    best = problem.team_accuracy.hits(np.array([search.team], np.int16))[0]
    chosen, least = search.team, (-problem.cheapness(np.array([search.team]))[0], -best.sum())
    for level in search.levels:
        rows = np.flatnonzero(level.standing & (level.right != UNKNOWN))
        rows = rows[np.argsort(-level.right[rows], kind="stable")[:MOST_COMPARED]]
        teams = level.teams[rows]
        other = problem.team_accuracy.hits(teams)
        lost, gained = (best & ~other).sum(1), (~best & other).sum(1)
        cost = -problem.cheapness(teams)
        for row in np.flatnonzero(lost - gained <= np.sqrt(lost + gained)):
            key = (cost[row], -level.right[rows[row]])
            if key < least:
                chosen, least = as_team(teams[row]), key
    return replace(search, team=chosen)
