"""Is a difference more than chance? McNemar's test, and Holm's correction for several tests."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import stats


def mcnemar(first: NDArray[np.bool_], second: NDArray[np.bool_]) -> float:
    """Return the two-sided exact p-value of McNemar's test.

    Parameters
    ----------
    first, second
        (N,) whether each contender is right on each sample.

    >>> round(mcnemar(np.array([True] * 9 + [False]), np.array([False] * 9 + [True])), 12)
    0.021484375
    """
    only_first = int((first & ~second).sum())
    only_second = int((second & ~first).sum())
    disagreed = only_first + only_second
    return float(stats.binomtest(only_first, disagreed).pvalue) if disagreed else 1.0


def holm(p: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return p-values corrected for their number (Holm 1979); NaN stays and does not count.

    scipy has no Holm: its `false_discovery_control` controls the share of false findings,
    not the chance of any.

    >>> holm(np.array([0.01, 0.04, 0.03])).tolist()
    [0.03, 0.06, 0.06]
    """
    corrected = np.full(p.shape, np.nan)
    known = np.flatnonzero(~np.isnan(p))
    order = known[np.argsort(p[known], kind="stable")]
    steps = p[order] * np.arange(len(order), 0, -1)
    corrected[order] = np.minimum(np.maximum.accumulate(steps), 1) if len(order) else steps
    return corrected
