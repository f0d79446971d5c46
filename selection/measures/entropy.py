"""Kuncheva's entropy E of the members' votes."""

from __future__ import annotations

import numpy as np

from pruning.core.products import product
from selection.measures.measure import MEASURES, Array, Evaluate, Measure, Teams, ratio
from selection.pair_counts import SampleSets

CELLS = 1 << 21
"""Numbers held at once, teams × patterns of errors."""


@MEASURES.register("entropy")
class Entropy(Measure):
    """Mean over samples of min(l, S − l) / (S − ⌈S/2⌉), l the right members; 0 to 1.

    More is more diverse. It needs l of each sample, which no sum over pairs gives, so it is
    counted team by team: much slower than the others. Of no samples: 0.
    """

    more_is_diverse = True
    source = "Cunningham & Carney 2000; Kuncheva & Whitaker 2003, eq. 8"

    def prepare(self, samples: SampleSets) -> Evaluate:
        """Keep who errs where, samples with the same pattern of errors as one."""
        patterns, which = np.unique(samples.wrong_mask, axis=1, return_inverse=True)
        weight = np.zeros((patterns.shape[1], len(samples.sets)))
        np.add.at(weight, which.reshape(-1), samples.sets.T)
        wrong = patterns.astype(np.float32)

        def evaluate(teams: Teams, sets: Teams) -> Array:
            size = teams.shape[1]
            out = np.empty(sets.shape)
            step = max(1, CELLS // max(1, wrong.shape[1]))
            for start in range(0, len(teams), step):
                part = slice(start, start + step)
                erring = wrong[teams[part]].sum(1)
                doubt = product(np.minimum(erring, size - erring).astype(np.float64), weight)
                out[part] = np.take_along_axis(doubt, sets[part].astype(np.intp), 1)
            return ratio(out, samples.samples[sets] * (size - np.ceil(size / 2)), 0.0)

        return evaluate
