"""Differences of one kind, asked together: each one's mean, its interval, its corrected p."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from pipelines.compare.interval import ALPHA, Interval
from pipelines.compare.mean_intervals import mean_interval
from pipelines.compare.significance import holm

K = TypeVar("K")


@dataclass(frozen=True)
class Paired:
    """What repetitions say of a difference.

    Attributes
    ----------
    mean
        With its interval, by t.
    p
        Of a paired t-test, corrected by Holm for all that was asked together.
    """

    mean: Interval
    p: float

    @property
    def significant(self) -> bool:
        """Whether it is; a difference that is 0 every time is not."""
        return self.p < ALPHA


def paired(differences: Mapping[K, NDArray[np.float64]]) -> dict[K, Paired]:
    """Test differences against 0.

    Parameters
    ----------
    differences
        What → (n,) of each repetition, n at least 2.

    >>> found = paired({"a": np.array([1.0, 1.1, 0.9]), "b": np.array([1.0, -1.0, 0.0])})
    >>> [one.significant for one in found.values()]
    [True, False]
    """
    raw = [float(stats.ttest_1samp(values, 0.0).pvalue) for values in differences.values()]
    corrected = holm(np.array(raw))
    return {
        what: Paired(mean_interval(values), float(p))
        for (what, values), p in zip(differences.items(), corrected, strict=True)
    }
