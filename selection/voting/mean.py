"""Soft voting: the mean of the members' probabilities."""

from __future__ import annotations

from selection.voting.rule import VOTES, Array, Vote, mean_of


@VOTES.register("mean")
class MeanVote(Vote):
    """The (weighted) mean probability; the label follows the greatest."""

    weighs_scores = True

    def __call__(self, probabilities: Array, weights: Array) -> Array:
        """Return the mean over the members."""
        return mean_of(probabilities, weights)
