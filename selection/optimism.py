"""How much better a chosen team looks on the split it was chosen on than it is.

Choosing among thousands of teams by one split picks those the split flatters. Here the
selection data are halved many times; a team is chosen, and its members weighed, on one half, and
both are measured on the other.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pruning.core.errors import RequestError
from selection.costs import PoolCosts
from selection.facts import Optimism
from selection.methods.method import SelectionMethod
from selection.methods.top import TopSelection
from selection.pool import PoolPredictions
from selection.search.accuracy import TeamAccuracy
from selection.team import Team
from selection.voting import VOTES, vote

FEWEST_SAMPLES = 4
"""So many can be halved within each of two classes."""


def estimate_optimism(
    method: SelectionMethod,
    pool: PoolPredictions,
    costs: PoolCosts | None = None,
    *,
    halvings: int = 10,
    rng: np.random.Generator,
) -> Optimism:
    """Halve the split `halvings` times, choose on either half, measure on the other.

    Halves are drawn within each class. The standard errors take the halvings as
    independent, which they are not quite: they share the samples.
    """
    if halvings < 1 or len(pool.labels) < FEWEST_SAMPLES:
        raise RequestError(
            f"{halvings} halvings of {len(pool.labels)} samples; "
            f"allowed 1 and more, of {FEWEST_SAMPLES} samples and more"
        )
    top = TopSelection(size=method.size, voting=method.voting, budget=method.budget)
    rows = []
    for _ in range(halvings):
        first = _half(pool.labels, rng)
        for chosen, other in ((first, ~first), (~first, first)):
            here, there = _part(pool, chosen), _part(pool, other)
            teams = [m.team_and_weights(here, costs) for m in (method, top)]
            rows.append([_accuracy(here, *teams[0], method.voting)] + [
                _accuracy(there, *team, method.voting) for team in teams
            ])  # fmt: skip
    seen, unseen, unseen_top = np.array(rows).reshape(halvings, 2, 3).mean(1).T
    root = np.sqrt(halvings)
    spread = (seen - unseen).std(ddof=1) / root if halvings > 1 else 0.0
    gain = (unseen - unseen_top).std(ddof=1) / root if halvings > 1 else 0.0
    return Optimism(
        halvings=halvings,
        overstated=float((seen - unseen).mean() / np.sqrt(2)),
        error=float(spread / np.sqrt(2)),
        unseen=float(unseen.mean()),
        unseen_top=float(unseen_top.mean()),
        gain_error=float(gain),
    )


def _half(labels: NDArray[Any], rng: np.random.Generator) -> NDArray[Any]:
    """Return (N,) bool, half of the samples, class by class."""
    order = rng.permutation(len(labels))
    order = order[np.argsort(labels[order], kind="stable")]
    first = np.zeros(len(labels), bool)
    first[order[int(rng.integers(2)) :: 2]] = True
    return first


def _part(pool: PoolPredictions, samples: NDArray[Any]) -> PoolPredictions:
    return PoolPredictions(
        np.ascontiguousarray(pool.probabilities[:, samples]),
        pool.labels[samples], pool.member_ids, pool.split,
    )  # fmt: skip


def _accuracy(
    pool: PoolPredictions, team: Team, weights: NDArray[np.float64], voting: str
) -> float:
    rows = np.array(team)
    part = PoolPredictions(
        pool.probabilities[rows], pool.labels, tuple(pool.member_ids[r] for r in rows), pool.split
    )
    if VOTES[voting].weighs_scores:
        own = tuple(range(len(rows)))
        right = TeamAccuracy(part, voting, len(rows)).right_weighted(own, weights)
    else:  # such votes weigh by the labels they are given: the other half's are not for that
        right = int((vote(part.probabilities, weights, voting).argmax(-1) == pool.labels).sum())
    return right / len(pool.labels)
