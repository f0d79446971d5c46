"""Correlation of two members' correctness."""

from __future__ import annotations

import numpy as np

from selection.measures.measure import MEASURES, Array, PairMeasure, pairs, ratio
from selection.measures.q_statistic import both_right
from selection.pair_counts import SampleSets


@MEASURES.register("correlation")
class Correlation(PairMeasure):
    """The φ coefficient ρ of two members' correctness, the mean over pairs; −1 to 1.

    Less is more diverse; 0 for 0/0, as published: a pair of which one is always right or
    always wrong tells nothing.
    """

    more_is_diverse = False
    source = "Kuncheva & Whitaker 2003, eq. 5"

    def tables(self, samples: SampleSets) -> list[Array]:
        """Return ρ of each pair."""
        right, only_i, only_j = both_right(samples)
        wrong = samples.both_wrong
        spread = np.sqrt((right + only_i) * (only_j + wrong)) * np.sqrt(
            (right + only_j) * (only_i + wrong)
        )
        return [ratio(right * wrong - only_i * only_j, spread, 0.0)]

    def value(self, sums: list[Array], size: int, samples: Array) -> Array:
        """Return the mean over the pairs."""
        return sums[0] / pairs(size)
