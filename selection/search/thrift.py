"""The cheapest team that is as good as the best, as far as the selection split can tell.

The one-standard-error rule of Breiman, Friedman, Olshen & Stone, *Classification and
Regression Trees* (1984), with the error of the paired difference.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from pruning.core.errors import RequestError
from selection.search.levels import UNKNOWN, Level, Search, looked_at
from selection.search.problem import Problem, Teams
from selection.team import Team, as_team

MOST_COMPARED = 1_000
"""The most accurate teams of one size that are compared with the best, sample by sample."""


def thriftiest(problem: Problem, search: Search) -> Search:
    """Return the search with the cheapest team within one standard error chosen.

    Among the standing teams of every size looked at, and parts of the chosen team where no
    smaller one was, those whose accuracy on the selection split falls short of the chosen
    team's by at most one standard error of the difference: with b samples that only the chosen
    team gets right and c that only the other does, b − c ≤ √(b + c), as McNemar's test counts.
    The cheapest by the first known cost; ties by accuracy, then order.

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
    if min(level.size for level in search.levels) == len(search.team):
        parts = tuple(_parts(problem, search.team))
        search = replace(search, levels=(*reversed(parts), *search.levels))
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


def _parts(problem: Problem, team: Team) -> Iterator[Level]:
    """Yield teams of ever fewer of a team's members, each without one of a larger one's.

    Of larger teams the most accurate `MOST_COMPARED` are gone on from: up to 12 members
    these are all.
    """
    teams: Teams = np.array([team], np.int16)
    while teams.shape[1] > 1:
        fewer = [np.delete(teams, place, 1) for place in range(teams.shape[1])]
        level = looked_at(problem, np.unique(np.concatenate(fewer), axis=0))
        yield level
        teams = level.teams[np.argsort(-level.right, kind="stable")[:MOST_COMPARED]]
