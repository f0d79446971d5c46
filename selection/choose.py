"""Choose a team from a pool, by the name of a method."""

from __future__ import annotations

from typing import Any

import numpy as np

from selection.costs import Budget, Costs
from selection.methods.registry import METHODS
from selection.pool import PoolPredictions
from selection.team import Selection
from selection.voting import VOTES, vote


def select(
    pool: PoolPredictions,
    method: str,
    size: int,
    *,
    costs: Costs | None = None,
    budget: Budget | None = None,
    voting: str = "mean",
    seed: int = 0,
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
        Of methods that draw.
    options
        The method's own settings, such as HQ's `prune_fraction`.

    Raises
    ------
    RequestError
        For unknown names, a size beyond 1..M, a budget nothing fits, ….
    """
    chooser = METHODS[method](
        size=size, voting=voting, budget=budget or Budget(), seed=seed, **options
    ).fit_pool(pool, costs)
    rows = list(chooser.team_)
    members = pool.probabilities[rows]
    own = chooser.weights() if voting == "mean" else None
    weights = VOTES[voting]().weights(members, pool.labels) if own is None else own
    right = vote(members, weights, voting).argmax(-1) == pool.labels
    return Selection(
        team=tuple(pool.member_ids[row] for row in rows),
        pool=pool.member_ids,
        method=method,
        options=chooser.options(),
        voting=voting,
        weights=tuple(float(w) for w in weights),
        accuracy=float(np.mean(right)),
        candidates=chooser.candidates_,
    )
