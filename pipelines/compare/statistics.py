"""How sure we are: intervals, paired tests and their correction, in NumPy alone."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

CONFIDENCE = 0.95
RESAMPLES = 2000
_BLOCK = 1 << 16  # resampled indices held at once: they stay in the cache

Z = NormalDist().inv_cdf(0.5 + CONFIDENCE / 2)
"""Two-sided normal quantile of `CONFIDENCE`."""


@dataclass(frozen=True)
class Interval:
    """An estimate and the ends of its 95 % interval.

    A `value` of NaN means "not defined"; ends of NaN mean "no interval is claimed".
    """

    value: float
    low: float = math.nan
    high: float = math.nan

    def __post_init__(self) -> None:
        if self.low > self.high:
            raise ValueError(f"interval from {self.low} to {self.high} is upside down")


def wilson(share: float, samples: float) -> Interval:
    """Return the score interval of a share (Wilson 1927), which never leaves 0..1.

    Parameters
    ----------
    share
        Observed share, in 0..1.
    samples
        Number of independent samples, or the effective number.

    >>> wilson(0.9, 100)
    Interval(value=0.9, low=0.825..., high=0.944...)
    """
    shrink = 1 / (1 + Z**2 / samples)
    centre = shrink * (share + Z**2 / (2 * samples))
    half = shrink * Z * math.sqrt(share * (1 - share) / samples + (Z / (2 * samples)) ** 2)
    return Interval(share, max(0.0, min(share, centre - half)), min(1.0, max(share, centre + half)))


def share_interval(values: NDArray[np.float64], draws: int = 1) -> Interval:
    """Return the mean of values in 0..1 with its score interval.

    With values of 0 and 1 this is Wilson's interval. The mean over several draws varies
    less from sample to sample than one draw does; then the number of samples is the
    effective one, ``m (1 - m) / (variance of m)``, at most samples × draws.

    Parameters
    ----------
    values
        (N,) share of `draws` that were right on each sample.
    """
    mean = min(1.0, max(0.0, float(values.mean())))
    return wilson(mean, _effective(mean, float(values.var()) / len(values), len(values), draws))


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
    return wilson(mean, _effective(mean, variance, even, draws))


def _effective(mean: float, variance: float, samples: float, draws: int) -> float:
    spread = mean * (1 - mean)
    if spread == 0:
        return samples
    return min(spread / variance, samples * draws) if variance > 0 else samples * draws


def resampled_means(
    columns: NDArray[np.float64], rng: np.random.Generator, resamples: int = RESAMPLES
) -> NDArray[np.float64]:
    """Return the columns' means over samples drawn with replacement.

    Every column sees the same draws, so that differences between columns are paired.

    Parameters
    ----------
    columns
        (N, K) one value a sample.

    Returns
    -------
    (resamples, K) float64.
    """
    blocks = [weights @ columns for weights in _weights(len(columns), rng, resamples)]
    return np.concatenate(blocks) / len(columns)


def _weights(
    samples: int, rng: np.random.Generator, resamples: int
) -> Iterator[NDArray[np.float64]]:
    """Yield (block, samples) how often each sample was drawn, until `resamples` rows came."""
    size = max(1, _BLOCK // samples)
    for start in range(0, resamples, size):
        rows = min(size, resamples - start)
        drawn = rng.integers(samples, size=(rows, samples))
        drawn += np.arange(rows)[:, None] * samples
        counts = np.bincount(drawn.ravel(), minlength=rows * samples)
        yield counts.reshape(rows, samples).astype(np.float64)


def bootstrap_t(
    columns: NDArray[np.float64], rng: np.random.Generator, resamples: int = RESAMPLES
) -> tuple[Interval, ...]:
    """Return the studentised bootstrap interval of each column's mean.

    The bootstrap-t (Efron & Tibshirani 1993, ch. 12.5) follows the skew of losses, where
    the normal and the percentile interval cover too rarely.

    Parameters
    ----------
    columns
        (N, K) one value a sample. An interval never leaves the values seen; that of a
        constant column is its value.
    """
    samples, count = columns.shape
    mean = columns.mean(0)
    centred = columns - mean
    error = np.sqrt((centred**2).mean(0) / samples)
    drawn = resampled_means(np.concatenate([centred, centred**2], 1), rng, resamples)
    shift, second = drawn[:, :count], drawn[:, count:]
    errors = np.sqrt((second - shift**2).clip(0) / samples)
    with np.errstate(divide="ignore", invalid="ignore"):
        t = np.where(errors > 0, shift / errors, np.sign(shift) * np.inf)
    t[:, error == 0] = 0
    tail = (1 - CONFIDENCE) / 2
    high, low = np.quantile(t, [tail, 1 - tail], axis=0, method="nearest")
    with np.errstate(invalid="ignore"):
        ends = np.stack([mean - low * error, mean - high * error])
    ends[:, error == 0] = mean[error == 0]
    ends = ends.clip(columns.min(0), columns.max(0))
    return tuple(
        Interval(float(m), float(a), float(b)) for m, a, b in zip(mean, *ends, strict=True)
    )


@dataclass(frozen=True)
class PairedDifference:
    """What a paired bootstrap says of a mean difference.

    Attributes
    ----------
    difference
        Mean difference with its 95 % percentile interval.
    p
        Two-sided p-value of "no difference".
    """

    difference: Interval
    p: float


def paired_bootstrap(
    differences: NDArray[np.float64], rng: np.random.Generator, resamples: int = RESAMPLES
) -> tuple[PairedDifference, ...]:
    """Return each column's mean difference, its interval and its p-value.

    One disagreement either way is added to the samples before drawing (Bonett & Price
    2012), so that two contenders that never disagreed on a small test set are not
    declared equal beyond doubt. The p-value counts the draws that stray from their own
    mean at least as far as the observed difference is from 0.

    Parameters
    ----------
    differences
        (N, K) correctness of one contender less that of the other, in -1..1.
    """
    return tuple(_paired(column, rng, resamples) for column in differences.T)


def _paired(
    column: NDArray[np.float64], rng: np.random.Generator, resamples: int
) -> PairedDifference:
    padded = np.append(column, [1.0, -1.0])
    values, counts = np.unique(padded, return_counts=True)
    shares = counts / len(padded)
    drawn = rng.multinomial(len(padded), shares, resamples) @ values / len(padded)
    observed, centre = float(column.mean()), float(padded.mean())
    tail = (1 - CONFIDENCE) / 2
    low, high = (float(end) for end in np.quantile(drawn, [tail, 1 - tail]))
    far = np.abs(drawn - centre) >= abs(centre) - 1e-12
    interval = Interval(observed, min(low, observed), max(high, observed))
    return PairedDifference(interval, (1 + int(far.sum())) / (1 + resamples))


def mcnemar(first: NDArray[np.bool_], second: NDArray[np.bool_]) -> float:
    """Return the two-sided exact p-value of McNemar's test.

    Parameters
    ----------
    first, second
        (N,) whether each contender is right on each sample.

    >>> mcnemar(np.array([True] * 9 + [False]), np.array([False] * 9 + [True]))
    0.021484375
    """
    only_first = int((first & ~second).sum())
    only_second = int((second & ~first).sum())
    total, fewer = only_first + only_second, min(only_first, only_second)
    ways, tail = 1, 1  # exact integers: C(total, k) and its sum up to k
    for k in range(fewer):
        ways = ways * (total - k) // (k + 1)
        tail += ways
    return float(min(1.0, 2 * tail / 2**total))


def holm(p: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return p-values corrected for their number (Holm 1979); NaN stays and does not count.

    >>> holm(np.array([0.01, 0.04, 0.03])).tolist()
    [0.03, 0.06, 0.06]
    """
    corrected = np.full(p.shape, np.nan)
    known = np.flatnonzero(~np.isnan(p))
    order = known[np.argsort(p[known], kind="stable")]
    steps = p[order] * np.arange(len(order), 0, -1)
    corrected[order] = np.minimum(np.maximum.accumulate(steps), 1) if len(order) else steps
    return corrected


def t_quantile(freedom: int) -> float:
    """Return Student's two-sided 95 % quantile, within 0.5 % (Abramowitz & Stegun 26.7.5).

    >>> [round(t_quantile(n), 2) for n in (1, 2, 4, 19)]
    [12.71, 4.3, 2.78, 2.09]
    """
    upper = 0.5 + CONFIDENCE / 2
    if freedom == 1:
        return math.tan(math.pi * (upper - 0.5))
    if freedom == 2:
        return (2 * upper - 1) / math.sqrt(2 * upper * (1 - upper))
    terms = (
        (Z**3 + Z) / 4,
        (5 * Z**5 + 16 * Z**3 + 3 * Z) / 96,
        (3 * Z**7 + 19 * Z**5 + 17 * Z**3 - 15 * Z) / 384,
        (79 * Z**9 + 776 * Z**7 + 1482 * Z**5 - 1920 * Z**3 - 945 * Z) / 92160,
    )
    return Z + math.fsum(term / float(freedom) ** (k + 1) for k, term in enumerate(terms))
