"""Yule's Q of two members' correctness."""

from __future__ import annotations

from selection.measures.measure import MEASURES, Array, PairMeasure, pairs, ratio
from selection.pair_counts import SampleSets


def both_right(samples: SampleSets) -> tuple[Array, Array, Array]:
    """Return (F, M, M) tables N11, N10 and N01: both right, only i right, only j right."""
    wrong, both = samples.wrong, samples.both_wrong
    only_j = wrong[:, :, None] - both
    only_i = wrong[:, None, :] - both
    return samples.samples[:, None, None] - both - only_i - only_j, only_i, only_j


@MEASURES.register("q_statistic")
class QStatistic(PairMeasure):
    """(N11 N00 − N01 N10) / (N11 N00 + N01 N10), the mean over pairs; −1 to 1.

    Less is more diverse; 0 for independent members, and for 0/0, as published: a pair of
    which one is always right or always wrong tells nothing.
    """

    more_is_diverse = False
    source = "Yule 1900; Kuncheva & Whitaker 2003, eq. 3"

    def tables(self, samples: SampleSets) -> list[Array]:
        """Return Q of each pair."""
        right, only_i, only_j = both_right(samples)
        alike, unlike = right * samples.both_wrong, only_i * only_j
        return [ratio(alike - unlike, alike + unlike, 0.0)]

    def value(self, sums: list[Array], size: int, samples: Array) -> Array:
        """Return the mean over the pairs."""
        return sums[0] / pairs(size)
