"""Soft voting in which a more accurate member counts more."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from selection.voting.rule import VOTES, Array, Vote

LEAST_WEIGHT = 1e-3
"""The weight of a member at chance or below: enough to keep every team defined."""


def log_odds(probabilities: Array, labels: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return (M,) ln((C−1) a / (1−a)), at least `LEAST_WEIGHT`, a the smoothed accuracy.

    The weight of independent voters (Kuncheva, *Combining Pattern Classifiers*, 2004,
    §4.3.3), 0 at chance. One right and C−1 wrong samples are added, which keeps it finite
    at a = 0 and 1.
    """
    _, samples, classes = probabilities.shape
    if classes == 1:
        return np.ones(len(probabilities))
    right = (probabilities.argmax(-1) == labels).sum(1)
    odds = (classes - 1) * (right + 1) / (samples - right + classes - 1)
    return np.asarray(np.maximum(np.log(odds), LEAST_WEIGHT))


@VOTES.register("accuracy_weighted")
class AccuracyWeightedVote(Vote):
    """The mean probability, weighted by log-odds of accuracy."""

    weighs_scores = False

    def weights(self, probabilities: Array, labels: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return log-odds of accuracy, scaled to sum 1."""
        odds = log_odds(probabilities, labels)
        return np.asarray(odds / odds.sum())

    def scores(self, probabilities: Array, labels: NDArray[np.int64], size: int) -> Array:
        """Return probabilities times log-odds."""
        return probabilities * log_odds(probabilities, labels)[:, None, None]
