"""Cohen's κ of two members' predicted labels."""

from __future__ import annotations

from selection.measures.measure import MEASURES, Array, PairMeasure, pairs, ratio
from selection.pair_counts import SampleSets


@MEASURES.register("cohen_kappa")
class CohenKappa(PairMeasure):
    """Agreement in labels beyond chance, (pₒ − pₑ) / (1 − pₑ), the mean over pairs; −1 to 1.

    Less is more diverse. Two members that always give one and the same label (0/0), and
    any two on no samples, are alike: 1.
    """

    more_is_diverse = False
    source = "Cohen 1960; Margineantu & Dietterich 1997"

    def tables(self, samples: SampleSets) -> list[Array]:
        """Return κ of each pair, both shares times N²."""
        number = samples.samples[:, None, None]
        chance = samples.class_products
        return [ratio(number * samples.same - chance, number**2 - chance, 1.0)]

    def value(self, sums: list[Array], size: int, samples: Array) -> Array:
        """Return the mean over the pairs."""
        return sums[0] / pairs(size)
