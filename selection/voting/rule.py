"""What a vote is, and the registry of them."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from pruning.core.errors import RequestError
from pruning.core.registry import Registry

Array = NDArray[Any]


class Vote:
    """One way to make a team's probabilities of its members'; here, their weighted mean.

    Subclass it, override what differs: how members are weighed, or what is made of them.
    A vote answers (…, N, C) rows that are non-negative and sum to 1; the team's label is
    the first of the greatest. Where all members name one label, so does the team.
    """

    weighs_scores: ClassVar[bool] = True
    """Whether weights multiply `scores`; not where these hold them, or the vote reads none."""

    def weights(self, probabilities: Array, labels: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return (S,) weights summing to 1, from the selection split's (S, N, C); equal here."""
        return np.full(len(probabilities), 1 / len(probabilities))

    def scores(self, probabilities: Array, labels: NDArray[np.int64], size: int) -> Array | None:
        """Return (M, N, C) what each member adds to a team's score, or None if votes don't add.

        Finite, at least 0. The label with the greatest sum over a team of up to `size` is the
        team's. Where weights are fitted to each team, these are the scores by which teams are
        searched.
        """
        return probabilities

    def __call__(self, probabilities: Array, weights: Array) -> Array:
        """Return (…, N, C) the team's probabilities of members' (…, S, N, C), weights (S,)."""
        return mean_of(probabilities, weights)


VOTES: Registry[type[Vote]] = Registry("vote", "selection.voting", Vote)


def vote(probabilities: Array, weights: Array | None = None, voting: str = "mean") -> Array:
    """Return the team's class probabilities.

    Parameters
    ----------
    probabilities
        (S, N, C) of one team or (T, S, N, C) of several.
    weights
        (S,) non-negative; scaled to sum 1; equal when None. Majority and plurality count
        heads and do not read them.
    voting
        Name of the vote.

    Returns
    -------
    (N, C) or (T, N, C), rows summing to 1.

    >>> p = np.array([[[.9, .1]], [[.4, .6]], [[.4, .6]]])
    >>> vote(p).round(3)
    array([[0.567, 0.433]])
    >>> vote(p, voting="plurality").argmax(-1)
    array([1])
    """
    probabilities = np.asarray(probabilities)
    if probabilities.ndim not in (3, 4):
        raise RequestError(
            f"probabilities have shape {probabilities.shape}; expected (S, N, C) or (T, S, N, C)"
        )
    members = probabilities.shape[-3]
    w = np.ones(members) if weights is None else np.asarray(weights, np.float64)
    if w.shape != (members,) or not np.isfinite(w).all() or (w < 0).any() or w.sum() <= 0:
        raise RequestError(f"weights {w} must be {members} finite numbers ≥ 0, not all 0")
    team: Array = VOTES[voting]()(probabilities, w / w.sum())
    return team


def mean_of(probabilities: Array, weights: Array) -> Array:
    """Return the weighted mean over members of (…, S, N, C), as (…, N, C).

    Members are added in order, so that the sum is the same on every processor.
    """
    total = probabilities[..., 0, :, :] * weights[0]
    for member in range(1, len(weights)):
        total = total + probabilities[..., member, :, :] * weights[member]
    return np.asarray(total)


def ballots(probabilities: Array) -> Array:
    """Return 1 at each row's most probable class (the first of equals), else 0; same shape."""
    classes = np.arange(probabilities.shape[-1])
    one_hot: Array = (probabilities.argmax(-1)[..., None] == classes).astype(np.float64)
    return one_hot
