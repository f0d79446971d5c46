"""Kohavi–Wolpert variance of the members' correctness."""

from __future__ import annotations

from selection.measures.disagreement import one_wrong
from selection.measures.measure import MEASURES, Array, PairMeasure, ratio
from selection.pair_counts import SampleSets


@MEASURES.register("kohavi_wolpert")
class KohaviWolpert(PairMeasure):
    """Σ l (S − l) / (N S²), l the number of right members of a sample; 0 to 1/4.

    More is more diverse. A sample with l right members has l (S − l) pairs of which one is
    right: so it is (S − 1) / 2S times the disagreement, and ranks teams of one size alike.
    """

    more_is_diverse = True
    source = "Kohavi & Wolpert 1996; Kuncheva & Whitaker 2003, eq. 10 and 11"

    def tables(self, samples: SampleSets) -> list[Array]:
        """Return the samples on which exactly one errs."""
        return [one_wrong(samples)]

    def value(self, sums: list[Array], size: int, samples: Array) -> Array:
        """Return their number over N S²; 0 of no samples."""
        return ratio(sums[0], samples * size**2, 0.0)
