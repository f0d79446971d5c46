"""Intervals of shares and of means, by their formulas."""

from __future__ import annotations

import math
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from pipelines.compare.interval import CONFIDENCE, Interval

Z = NormalDist().inv_cdf(0.5 + CONFIDENCE / 2)
"""Two-sided normal quantile of `CONFIDENCE`."""


def wilson(right: int, samples: int) -> Interval:
    """Return the share ``right / samples`` with Wilson's score interval (1927), within 0..1.

    Parameters
    ----------
    right, samples
        Whole numbers, 0 ≤ right ≤ samples, at least one sample.

    >>> wilson(90, 100)
    Interval(value=0.9, low=0.825..., high=0.944...)
    """
    share = right / samples
    ends = stats.binomtest(right, samples).proportion_ci(CONFIDENCE, method="wilson")
    return _within_shares(share, float(ends.low), float(ends.high))


def effective_wilson(share: float, samples: float) -> Interval:
    """Return Wilson's interval of a share of an effective, not a whole, number of samples.

    scipy, and `wilson`, take whole counts only; where `samples` is whole, both agree.

    Parameters
    ----------
    share
        In 0..1.
    samples
        Number of independent samples that would leave as much doubt.
    """
    shrink = 1 / (1 + Z**2 / samples)
    centre = shrink * (share + Z**2 / (2 * samples))
    half = shrink * Z * math.sqrt(share * (1 - share) / samples + (Z / (2 * samples)) ** 2)
    return _within_shares(share, centre - half, centre + half)


def _within_shares(share: float, low: float, high: float) -> Interval:
    """Return the interval; its ends neither leave 0..1 nor, by rounding, pass the share."""
    return Interval(share, max(0.0, min(share, low)), min(1.0, max(share, high)))


def share_interval(values: NDArray[np.float64], draws: int = 1) -> Interval:
    """Return the mean of values in 0..1 with its score interval.

    The values of one draw are 0 or 1 and the interval is Wilson's. The mean over several
    draws varies less from sample to sample than one draw does; then the number of samples
    is the effective one, ``m (1 - m) / (variance of m)``, at most samples × draws.

    Parameters
    ----------
    values
        (N,) share of `draws` that were right on each sample.
    """
    if draws == 1:
        return wilson(round(float(values.sum())), len(values))
    mean = min(1.0, max(0.0, float(values.mean())))
    variance = float(values.var()) / len(values)
    return effective_wilson(mean, _effective_samples(mean, variance, len(values), draws))


def balanced_interval(
    values: NDArray[np.float64], labels: NDArray[np.int64], draws: int = 1
) -> Interval:
    """Return the mean over the classes present of each class's mean, with a score interval.

    The variance is that of the class means (a stratified sample); it enters Wilson's
    interval as an effective number of samples.

    Parameters
    ----------
    values
        (N,) share of `draws` that were right on each sample, in 0..1.
    labels
        (N,) class of each sample.
    """
    counts = np.bincount(labels)
    present = counts > 0
    sizes = counts[present]
    means = np.bincount(labels, values)[present] / sizes
    squares = np.bincount(labels, values**2)[present] / sizes
    mean = min(1.0, max(0.0, float(means.mean())))
    variance = float(((squares - means**2).clip(0) / sizes).sum()) / len(sizes) ** 2
    even = len(sizes) ** 2 / float((1 / sizes).sum())  # samples, were all classes equally hard
    return effective_wilson(mean, _effective_samples(mean, variance, even, draws))


def _effective_samples(mean: float, variance: float, samples: float, draws: int) -> float:
    spread = mean * (1 - mean)
    if spread == 0:
        return samples
    return min(spread / variance, samples * draws) if variance > 0 else samples * draws


def mean_interval(values: NDArray[np.float64]) -> Interval:
    """Return the mean of (N,) values with Student's t interval; none for a single value.

    >>> mean_interval(np.array([1.0, 3.0]))
    Interval(value=2.0, low=-10.7..., high=14.7...)
    """
    mean, count = float(values.mean()), len(values)
    if count == 1:
        return Interval(mean)
    quantile = float(stats.t.ppf(0.5 + CONFIDENCE / 2, count - 1))
    half = quantile * float(values.std(ddof=1)) / math.sqrt(count)
    return Interval(mean, mean - half, mean + half)


def share_difference(first: Interval, second: Interval) -> Interval:
    """Return the first of two independent shares less the second (Newcombe 1998, method 10)."""
    gap = first.value - second.value
    return Interval(
        gap,
        gap - math.hypot(first.value - first.low, second.high - second.value),
        gap + math.hypot(first.high - first.value, second.value - second.low),
    )
