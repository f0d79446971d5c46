"""Disagreement: how often exactly one of two members is right."""

from __future__ import annotations

from selection.measures.measure import MEASURES, Array, PairMeasure, pairs, ratio
from selection.pair_counts import SampleSets


def one_wrong(samples: SampleSets) -> Array:
    """Return (F, M, M) samples on which exactly one of i and j errs."""
    wrong = samples.wrong
    table: Array = wrong[:, :, None] + wrong[:, None, :] - 2 * samples.both_wrong
    return table


@MEASURES.register("disagreement")
class Disagreement(PairMeasure):
    """(N01 + N10) / N, the mean over pairs; 0 (alike) to 1, more is more diverse."""

    more_is_diverse = True
    source = "Skalak 1996; Ho 1998; Kuncheva & Whitaker 2003, eq. 6"

    def tables(self, samples: SampleSets) -> list[Array]:
        """Return the samples on which exactly one errs."""
        return [one_wrong(samples)]

    def value(self, sums: list[Array], size: int, samples: Array) -> Array:
        """Return their share of the samples; 0 of none."""
        return ratio(sums[0], samples * pairs(size), 0.0)
