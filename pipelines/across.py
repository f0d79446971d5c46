"""Runs against each other: their selected teams, on the test samples that they share."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from pipelines.compare import Comparison
from pipelines.paired import PairedTest, tested_together


def across(comparisons: Sequence[Comparison]) -> tuple[PairedTest | None, ...]:
    """Test each run's selected team against the first run's.

    Parameters
    ----------
    comparisons
        At least one. A published test part is the same for every seed; one that was split
        off is shared by runs of the same seed.

    Returns
    -------
    One a run, corrected together by Holm; None for the first run, and for those whose test
    samples are others.
    """
    first, *others = comparisons
    shared = [one.test_sha256 == first.test_sha256 != "" for one in others]
    pairs = [(one.scores, first.scores) for one, same in zip(others, shared, strict=True) if same]
    rng = np.random.default_rng([first.seed, 2])
    found = iter(tested_together(pairs, [first.name] * len(pairs), rng))
    return (None, *(next(found) if same else None for same in shared))
