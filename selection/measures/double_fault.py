"""Double fault: how often two members both fail."""

from __future__ import annotations

from selection.measures.measure import MEASURES, Array, PairMeasure, pairs, ratio
from selection.pair_counts import SampleSets


@MEASURES.register("double_fault")
class DoubleFault(PairMeasure):
    """N00 / N, the mean over pairs; 0 (never together) to 1, less is more diverse.

    It reads accuracy as much as diversity: members that never err have 0. Of no samples: 0.
    """

    more_is_diverse = False
    source = "Giacinto & Roli 2001; Kuncheva & Whitaker 2003, eq. 7"

    def tables(self, samples: SampleSets) -> list[Array]:
        """Return the samples on which both err."""
        return [samples.both_wrong]

    def value(self, sums: list[Array], size: int, samples: Array) -> Array:
        """Return their share of the samples."""
        return ratio(sums[0], samples * pairs(size), 0.0)
