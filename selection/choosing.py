"""Choose a team from a pool, by the name of a method, and say why."""

from __future__ import annotations

from math import comb
from typing import Any

import numpy as np
from numpy.typing import NDArray

from selection.costs import Budget, PoolCosts, pareto_front
from selection.facts import FrontPoint, LevelCount, MemberShare, Optimism
from selection.methods.method import METHODS, SelectionMethod
from selection.optimism import LEAST, estimate_optimism
from selection.pool import PoolPredictions
from selection.search.found import UNKNOWN, Search
from selection.team import Selection, Team
from selection.voting import VOTES, vote

HALVINGS = 10
FEW_TEAMS = 200_000


def select(
    pool: PoolPredictions,
    method: str,
    size: int,
    *,
    costs: PoolCosts | None = None,
    budget: Budget | None = None,
    voting: str = "mean",
    seed: int = 0,
    halvings: int | None = None,
    **options: Any,
) -> Selection:
    """Choose `size` members of a pool (with a budget, up to `size`).

    Parameters
    ----------
    pool
        Predictions on the selection split; those of the test split are refused.
    method, voting
        Names in `METHODS` and `VOTES`.
    costs, budget
        What members cost, and the most the team may.
    seed
        Of what is drawn: starts, random teams, halvings.
    halvings
        How often the split is halved to estimate the optimism; 0 leaves it out. None is 10
        where the pool has at most 200,000 teams, else 0.
    options
        The method's own settings, such as HQ's `prune_fraction`.

    Raises
    ------
    RequestError
        For unknown names, a size beyond 1..M, a budget nothing fits, ….

    >>> p = np.random.default_rng(0).dirichlet(np.ones(3), (6, 60)).astype(np.float32)
    >>> pool = PoolPredictions(p, np.zeros(60, np.int64), tuple("abcdef"), "select")
    >>> len(select(pool, "top", 3).team)
    3
    """
    VOTES[voting]
    chooser = METHODS[method](
        size=size, voting=voting, budget=budget or Budget(), seed=seed, **options
    ).fit_pool(pool, costs)
    rows = list(chooser.team_)
    members = pool.probabilities[rows]
    own = chooser.weights() if voting == "mean" else None
    weights = VOTES[voting]().weights(members, pool.labels) if own is None else own
    return Selection(
        team=tuple(pool.member_ids[row] for row in rows),
        pool=pool.member_ids,
        method=method,
        options=chooser.options(),
        voting=voting,
        weights=tuple(float(w) for w in weights),
        accuracy=_accuracy(members, weights, voting, pool.labels),
        candidates=chooser.candidates_,
        members=member_shares(pool, chooser.team_, weights, voting),
        levels=tuple(LevelCount(*map(int, row)) for row in chooser.levels_.tolist()),
        front=front_points(pool, chooser.search_, costs or PoolCosts()),
        optimism=_optimism(chooser, pool, costs, halvings),
    )


def member_shares(
    pool: PoolPredictions, team: Team, weights: NDArray[np.float64], voting: str
) -> tuple[MemberShare, ...]:
    """Return each member's accuracy and what the team loses without it, weights kept."""
    rows, labels = list(team), pool.labels
    whole = _accuracy(pool.probabilities[rows], weights, voting, labels)
    shares = []
    for place, row in enumerate(rows):
        rest = [r for r in rows if r != row]
        left = np.delete(weights, place)
        left = left if left.sum() > 0 else np.ones(len(left))
        without = _accuracy(pool.probabilities[rest], left, voting, labels) if rest else 0.0
        alone = float((pool.probabilities[row].argmax(-1) == labels).mean())
        shares.append(MemberShare(pool.member_ids[row], alone, whole - without))
    return tuple(shares)


def front_points(pool: PoolPredictions, search: Search, costs: PoolCosts) -> tuple[FrontPoint, ...]:
    """Return the Pareto front of each known cost over the standing teams looked at."""
    points = []
    for kind, _ in costs:
        found: list[tuple[float, float, list[int]]] = []
        for level in search.levels:
            rows = np.flatnonzero(level.standing & (level.right != UNKNOWN))
            cost, right = costs.total(kind, level.teams[rows]), level.right[rows].astype(float)
            for at in pareto_front(right, cost):
                team = level.teams[rows[at]].tolist()
                found.append((right[at] / len(pool.labels), cost[at], team))
        if found:
            accuracy, cost = (np.array([point[k] for point in found]) for k in (0, 1))
            points += [
                FrontPoint(
                    kind, float(cost[at]), tuple(pool.member_ids[r] for r in found[at][2]),
                    float(accuracy[at]),
                )
                for at in pareto_front(accuracy, cost)
            ]  # fmt: skip
    return tuple(points)


def _accuracy(
    members: NDArray[Any], weights: NDArray[np.float64], voting: str, labels: NDArray[np.int64]
) -> float:
    return float(np.mean(vote(members, weights, voting).argmax(-1) == labels))


def _optimism(
    chooser: SelectionMethod, pool: PoolPredictions, costs: PoolCosts | None, halvings: int | None
) -> Optimism | None:
    teams = sum(comb(len(pool), n) for n in range(1, chooser.size + 1))
    if halvings is None:
        halvings = HALVINGS if teams <= FEW_TEAMS and len(pool.labels) >= LEAST else 0
    if not halvings:
        return None
    rng = np.random.default_rng([chooser.seed, halvings])
    return estimate_optimism(chooser, pool, costs, halvings=halvings, rng=rng)
