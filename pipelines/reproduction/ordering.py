"""Which metric keeps the accuracy longer? Paired by seed, corrected for how many are asked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray
from scipy import integrate

from pipelines.reproduction.paired import Paired, paired


class OrderVerdict(StrEnum):
    """What a published order of two curves comes to, the best first."""

    AS_PUBLISHED = "as published"
    UNDECIDED = "no significant difference"
    REVERSED = "the other way round"


@dataclass(frozen=True)
class Order:
    """One curve against another.

    Attributes
    ----------
    better, worse
        Names of the curves, as the paper has them.
    found
        Mean accuracy along the one less that along the other, over the seeds.
    """

    better: str
    worse: str
    found: Paired

    @property
    def verdict(self) -> OrderVerdict:
        """What it comes to."""
        if not self.found.significant:
            return OrderVerdict.UNDECIDED
        above = self.found.mean.value > 0
        return OrderVerdict.AS_PUBLISHED if above else OrderVerdict.REVERSED


def mean_along(
    remaining: NDArray[np.float64], accuracy: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return (n,) mean accuracy of n runs over the share of units that remains.

    Between points it is taken to run straight, and each share counts alike from the smallest
    to 1.

    Parameters
    ----------
    remaining
        (K,) descending shares.
    accuracy
        (n, K).

    >>> mean_along(np.array([1.0, 0.5, 0.0]), np.array([[1.0, 1.0, 0.0]]))
    array([0.75])
    """
    area = integrate.trapezoid(accuracy[:, ::-1], remaining[::-1], axis=1)
    return np.asarray(area / (remaining[0] - remaining[-1]))


def orders(
    means: Mapping[str, NDArray[np.float64]], pairs: tuple[tuple[str, str], ...]
) -> tuple[Order, ...]:
    """Test pairs of curves, the better named first.

    Parameters
    ----------
    means
        Curve → (n,) `mean_along` of its runs; run i of each has the same seed.
    pairs
        Which are tested.
    """
    apart = {}
    for better, worse in pairs:
        n = min(len(means[better]), len(means[worse]))
        apart[better, worse] = means[better][:n] - means[worse][:n]
    return tuple(Order(*pair, found) for pair, found in paired(apart).items())
