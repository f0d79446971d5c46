"""Plurality: the label most members name."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from selection.voting.rule import VOTES, Array, Vote, ballots, mean_of


@VOTES.register("plurality")
class PluralityVote(Vote):
    """The label most members name; where labels draw, their mean probability decides.

    The answer is (1 − ε) × vote shares + ε × mean probability with ε = 1/2S: too little to
    outweigh a vote, enough to part a draw.
    """

    weighs_scores = False

    def scores(self, probabilities: Array, labels: NDArray[np.int64], size: int) -> Array:
        """Return each member's ballot, and a little of its probabilities."""
        part = 1 / (2 * size)
        return (1 - part) * ballots(probabilities) + part * probabilities

    def __call__(self, probabilities: Array, weights: Array) -> Array:
        """Return shares of the votes, draws parted."""
        equal = np.full(len(weights), 1 / len(weights))
        return mean_of(self.scores(probabilities, np.zeros(0, np.int64), len(weights)), equal)
