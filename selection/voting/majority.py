"""Majority: the label more than half of the members name."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from selection.voting.rule import VOTES, Array, Vote, ballots, mean_of


@VOTES.register("majority")
class MajorityVote(Vote):
    """The label more than half name, answered as vote shares; else the mean probability.

    It differs from plurality where a label leads without more than half of the votes: there
    the members' doubts are read rather than their heads counted.
    """

    weighs_scores = False

    def scores(self, probabilities: Array, labels: NDArray[np.int64], size: int) -> None:
        """Return None: which of two rules holds is known only of the whole team."""
        return

    def __call__(self, probabilities: Array, weights: Array) -> Array:
        """Return vote shares where one exceeds a half, else mean probabilities."""
        equal = np.full(len(weights), 1 / len(weights))
        shares = mean_of(ballots(probabilities), equal)
        carried = 2 * shares.max(-1, keepdims=True) > 1 + 1e-9
        return np.where(carried, shares, mean_of(probabilities, equal))
