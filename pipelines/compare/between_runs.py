"""Runs against each other: their selected teams, on the test samples that they share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from pipelines.compare.comparison import Comparison
from pipelines.compare.paired_tests import tested_together


def against_the_first(comparisons: Sequence[Comparison]) -> tuple[Comparison, ...]:
    """Return the comparisons, each but the first tested against the first run's team.

    Parameters
    ----------
    comparisons
        At least one. A published test part is the same for every seed; one that was split
        off is shared by runs of the same seed.

    Returns
    -------
    With `against_first`, corrected together by Holm; it stays None for the first run, and for
    those whose test samples are others.
    """
    first, *others = comparisons
    shared = [one.test_sha256 == first.test_sha256 != "" for one in others]
    scores = [one.chosen.scores for one, same in zip(others, shared, strict=True) if same]
    pairs = [(score, first.chosen.scores) for score in scores]
    rng = np.random.default_rng([first.seed, 2])
    found = iter(tested_together(pairs, [first.name] * len(pairs), rng))
    tested = [
        replace(one, against_first=next(found)) if same else one
        for one, same in zip(others, shared, strict=True)
    ]
    return (first, *tested)
