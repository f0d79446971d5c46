"""Soft voting: the mean of the members' probabilities."""

from __future__ import annotations

from selection.voting.rule import VOTES, Vote


@VOTES.register("mean")
class MeanVote(Vote):
    """The mean probability; the label follows the greatest."""
