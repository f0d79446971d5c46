"""Fleiss' κ of all the members' predicted labels."""

from __future__ import annotations

import numpy as np

from selection.measures.measure import MEASURES, Array, PairMeasure, pairs, ratio
from selection.pair_counts import SampleSets


@MEASURES.register("fleiss_kappa")
class FleissKappa(PairMeasure):
    """Agreement in labels of S raters beyond chance; −1/(S−1) to 1, less is more diverse.

    Observed agreement is the mean over pairs; chance is Σ p², p a label's share of all
    N S answers, and (Σ over members)² is a sum over pairs too. One label throughout, and no
    samples, are alike: 1.
    """

    more_is_diverse = False
    source = "Fleiss 1971; Kuncheva & Whitaker 2003, eq. 13 (there of correctness)"

    def tables(self, samples: SampleSets) -> list[Array]:
        """Return equal labels, products of label counts, and both members' own products."""
        products = samples.class_products
        own = np.diagonal(products, axis1=1, axis2=2)
        return [samples.same, products, own[:, :, None] + own[:, None, :]]

    def value(self, sums: list[Array], size: int, samples: Array) -> Array:
        """Return (pₒ − pₑ) / (1 − pₑ), both times (N S)²."""
        same, products, own = sums
        whole = (samples * size) ** 2
        observed = same * samples * size**2 / pairs(size)
        chance = 2 * products + own / (size - 1)
        return ratio(observed - chance, whole - chance, 1.0)
