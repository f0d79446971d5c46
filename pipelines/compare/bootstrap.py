"""Intervals and tests from samples drawn again: of losses, and of paired differences."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipelines.compare.interval import CONFIDENCE, Interval
from pruning.core.products import product

RESAMPLES = 2000
_BLOCK = 1 << 16  # resampled indices held at once: they stay in the cache


def resampled_means(
    columns: NDArray[np.float64], rng: np.random.Generator, resamples: int = RESAMPLES
) -> NDArray[np.float64]:
    """Return the columns' means over samples drawn with replacement.

    Every column sees the same draws, so that differences between columns are paired.

    Parameters
    ----------
    columns
        (N, K) one value per sample and column.

    Returns
    -------
    (resamples, K) float64.
    """
    blocks = [product(weights, columns) for weights in _weights(len(columns), rng, resamples)]
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
        (N, K) one value per sample and column. An interval never leaves the values seen; that of a
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
    drawn = product(rng.multinomial(len(padded), shares, resamples), values) / len(padded)
    observed, centre = float(column.mean()), float(padded.mean())
    tail = (1 - CONFIDENCE) / 2
    low, high = (float(end) for end in np.quantile(drawn, [tail, 1 - tail]))
    far = np.abs(drawn - centre) >= abs(centre) - 1e-12
    interval = Interval(observed, min(low, observed), max(high, observed))
    return PairedDifference(interval, (1 + int(far.sum())) / (1 + resamples))
