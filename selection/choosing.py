"""Choose a team by the name of a method, and say why: from arrays, or from a checked pool."""

from __future__ import annotations

import warnings
from math import comb
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pruning.core.errors import RequestError
from selection.chance import chance_line
from selection.costs import PoolCosts, pareto_front
from selection.facts import FrontPoint, FullTeams, LevelCount, MemberShare, Optimism
from selection.methods.method import METHODS, SelectionMethod
from selection.optimism import FEWEST_SAMPLES, estimate_optimism
from selection.pool import PoolPredictions
from selection.search.lattice import all_teams
from selection.search.levels import UNKNOWN, Search
from selection.search.problem import Problem
from selection.setting_kinds import is_kind
from selection.team import Selection, Team

HALVINGS = 10
"""How often the split is halved for the optimism where nobody says."""

FEW_TEAMS = 200_000
"""Where nobody says, the optimism of pools with more teams than these is left out: it takes
as long as twenty choices. Nor are the teams of one size that fit a budget counted among more."""


def select(
    probabilities: ArrayLike,
    labels: ArrayLike,
    size: int = 5,
    method: str = "soft",
    *,
    classes: ArrayLike | None = None,
    costs: PoolCosts | None = None,
    halvings: int | None = None,
    **options: Any,
) -> Selection:
    """Choose the `size` members of a pool that vote best together.

    Parameters
    ----------
    probabilities
        (M, N, C) class probabilities of M networks on N samples that none of them was trained
        on: an array of any precision, or nested lists.
    labels
        (N,) true labels: whole numbers 0..C-1, or any of `classes`.
    size
        Members of the team, 1..M; the most members where some team of so many exceeds a
        ``budget=``.
    method
        A name in `METHODS`.
    classes
        (C,) the label of each column of `probabilities`; 0..C-1 when None.
    costs
        What the members cost.
    halvings
        How often the samples are halved to estimate the optimism; 0 leaves it out. None is 10
        where the pool has at most 200,000 teams, else 0.
    options
        The method's settings: ``voting=``, ``budget=``, ``seed=`` and ``thrifty=`` of every
        method, and its own, such as HQ's ``prune_fraction=``.

    Returns
    -------
    The choice. Members are named by their row, as text: `Selection.rows` are the numbers.

    Raises
    ------
    RequestError
        Where an array is not as above, a name is unknown, the size is beyond 1..M, or nothing
        fits the budget.

    Warns
    -----
    UserWarning
        Where members are right less often than by chance: their columns may be in another order.

    >>> p = np.random.default_rng(0).dirichlet(np.ones(3), (6, 60))
    >>> chosen = select(p, ["red"] * 60, size=3, classes=["red", "green", "blue"])
    >>> chosen.rows, round(chosen.accuracy, 3)
    ((0, 1, 4), 0.35)
    """
    pool = PoolPredictions.of(probabilities, labels, classes=classes)
    if doubt := chance_line(pool):
        warnings.warn(doubt, UserWarning, stacklevel=2)
    return select_team(pool, method, size, costs=costs, halvings=halvings, **options)


def select_team(
    pool: PoolPredictions,
    method: str,
    size: int,
    *,
    costs: PoolCosts | None = None,
    halvings: int | None = None,
    **options: Any,
) -> Selection:
    """Choose `size` members of a checked pool, as `select` does.

    Predictions on the test split are refused.


    >>> p = np.random.default_rng(0).dirichlet(np.ones(3), (6, 60)).astype(np.float32)
    >>> pool = PoolPredictions(p, np.zeros(60, np.int64), tuple("abcdef"), "select")
    >>> select_team(pool, "top", 3).team
    ('b', 'e', 'f')
    """
    if halvings is not None and (not is_kind(halvings, int) or halvings < 0):
        raise RequestError(f"`halvings` {halvings!r}; allowed are whole numbers, 0 and more")
    chooser = _chooser(method, {"size": size, **options})
    problem = chooser.problem(pool, costs)
    chooser.fit_problem(problem)
    return Selection(
        team=tuple(pool.member_ids[row] for row in chooser.team_),
        pool=pool.member_ids,
        method=method,
        options=chooser.options(),
        voting=chooser.voting,
        weights=tuple(float(w) for w in chooser.weights_),
        accuracy=chooser.accuracy_,
        candidates=chooser.candidates_,
        members=member_shares(problem, chooser.team_, chooser.weights_),
        levels=tuple(LevelCount(*map(int, row)) for row in chooser.levels_.tolist()),
        front=front_points(problem, chooser.search_),
        optimism=_optimism(chooser, problem, halvings),
        full=full_teams(problem),
    )


def member_shares(
    problem: Problem, team: Team, weights: NDArray[np.float64]
) -> tuple[MemberShare, ...]:
    """Return each member's accuracy and what the team loses without it, weights kept."""
    samples, right = len(problem.pool.labels), problem.team_accuracy.right_weighted
    whole = right(team, weights)
    shares = []
    for place, row in enumerate(team):
        rest, left = team[:place] + team[place + 1 :], np.delete(weights, place)
        without = right(rest, left if left.sum() > 0 else np.ones(len(rest))) if rest else 0
        alone = int(problem.member_right[row])
        shares.append(
            MemberShare(
                problem.pool.member_ids[row], alone / samples, whole / samples - without / samples
            )
        )
    return tuple(shares)


def full_teams(problem: Problem) -> FullTeams | None:
    """Return how many teams of the size asked for fit; None where no budget limits them.

    Among more than `FEW_TEAMS` they are counted only where one limit alone lets none through.
    """
    budget, costs = problem.budget, problem.costs
    if not budget.limited:
        return None
    teams = comb(problem.members, problem.size)
    if teams <= FEW_TEAMS:
        every = all_teams(problem.members, problem.size)
        return FullTeams(teams, int(budget.fits(costs, every).sum()))
    return FullTeams(teams, None if budget.allows(costs, problem.size) else 0)


def front_points(problem: Problem, search: Search) -> tuple[FrontPoint, ...]:
    """Return the Pareto front of each known cost over the standing teams looked at."""
    points = []
    for kind, _ in problem.costs:
        found: list[tuple[float, float, list[int]]] = []
        for level in search.levels:
            rows = np.flatnonzero(level.standing & (level.right != UNKNOWN))
            cost = problem.costs.total(kind, level.teams[rows])
            right = level.right[rows].astype(float)
            for at in pareto_front(right, cost):
                team = level.teams[rows[at]].tolist()
                found.append((right[at] / len(problem.pool.labels), cost[at], team))
        if found:
            accuracy, cost = (np.array([point[k] for point in found]) for k in (0, 1))
            points += [
                FrontPoint(
                    kind, float(cost[at]),
                    tuple(problem.pool.member_ids[row] for row in found[at][2]),
                    float(accuracy[at]),
                )
                for at in pareto_front(accuracy, cost)
            ]  # fmt: skip
    return tuple(points)


def _chooser(method: str, settings: dict[str, Any]) -> SelectionMethod:
    kind = METHODS[method]
    if unknown := sorted(set(settings) - set(kind.parameters())):
        raise RequestError(
            f"method {method!r} has no setting {unknown[0]!r}; "
            f"known: {', '.join(kind.parameters())}"
        )
    return kind(**settings)


def _optimism(chooser: SelectionMethod, problem: Problem, halvings: int | None) -> Optimism | None:
    pool = problem.pool
    teams = sum(comb(len(pool), n) for n in range(1, chooser.size + 1))
    if halvings is None:
        halvings = HALVINGS if teams <= FEW_TEAMS and len(pool.labels) >= FEWEST_SAMPLES else 0
    if not halvings:
        return None
    rng = np.random.default_rng([chooser.seed, halvings])
    return estimate_optimism(chooser, pool, problem.costs, halvings=halvings, rng=rng)
