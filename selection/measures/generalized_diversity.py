"""Generalized diversity: when one member fails, does another fail too?"""

from __future__ import annotations

from selection.measures.measure import MEASURES, Array, PairMeasure, ratio
from selection.pair_counts import SampleSets


@MEASURES.register("generalized_diversity")
class GeneralizedDiversity(PairMeasure):
    """1 − P(two random members fail) / P(one random member fails); 0 (alike) to 1.

    More is more diverse. Both are sums over pairs: 1 − 2 Σ N00 / Σ (Eᵢ + Eⱼ), E a member's
    errors. A team that never fails shows no diversity: 0.
    """

    more_is_diverse = True
    source = "Partridge & Krzanowski 1997; Kuncheva & Whitaker 2003, eq. 17"

    def tables(self, samples: SampleSets) -> list[Array]:
        """Return the samples on which both err, and the errors of both."""
        wrong = samples.wrong
        return [samples.both_wrong, wrong[:, :, None] + wrong[:, None, :]]

    def value(self, sums: list[Array], size: int, samples: Array) -> Array:
        """Return one minus the ratio; 0 where nobody fails."""
        return 1 - ratio(2 * sums[0], sums[1], 1.0)
