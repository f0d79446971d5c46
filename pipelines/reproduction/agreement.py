"""Does a published curve lie where ours does? Point by point, and all points at once."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from pipelines.compare.interval import ALPHA, CONFIDENCE
from pipelines.reproduction.published import PublishedCurve

DRAWS = 4000
"""Simulated experiments of the joint test."""

NEIGHBOURS = 2
"""Rounds on either side whose failures may be a round's own."""

FEWEST_RUNS = 3
"""With fewer runs, nothing is known of how they spread."""


class CurveVerdict(StrEnum):
    """What a published curve comes to, the best first."""

    AGREES = "agrees"
    BUT_FOR_FAILURES = "agrees but for failures"
    DIFFERS = "differs"


@dataclass(frozen=True)
class Agreement:
    """A published curve held against runs of ours.

    Attributes
    ----------
    difference
        (K,) published accuracy minus our mean.
    margin
        (K,) how large a difference may be: t·s·√(1/n + 1/m), with n runs of ours and m of
        theirs, and the error of reading.
    p
        Of the joint test, in 0..1: how often as large a difference, measured against its
        standard error, would be found at any of the points if both were runs of one kind.
    p_with_failures
        The same, if theirs may have failed at any round as often, and as badly, as ours did at
        that round and the two on either side. Where training now and then does not leave
        chance, a mean of 15 hangs on whether one did; a normal distribution knows nothing of it.
    """

    difference: NDArray[np.float64]
    margin: NDArray[np.float64]
    p: float
    p_with_failures: float

    @property
    def points(self) -> int:
        """How many points agree."""
        return int(np.sum(np.abs(self.difference) <= self.margin))

    @property
    def agrees(self) -> bool:
        """Whether the curve as a whole does."""
        return self.p >= ALPHA

    @property
    def verdict(self) -> CurveVerdict:
        """What it comes to."""
        if self.agrees:
            return CurveVerdict.AGREES
        if self.p_with_failures >= ALPHA:
            return CurveVerdict.BUT_FOR_FAILURES
        return CurveVerdict.DIFFERS


def agreement(ours: NDArray[np.float64], published: PublishedCurve, runs: int) -> Agreement:
    """Hold a published curve against runs.

    The joint test's statistic is the largest |difference|, less the error of reading, in
    standard errors. How it is distributed if nothing differs is simulated: as many runs as
    there were on both sides are drawn from a normal distribution with our runs' covariance, so
    that it is known how points of one run go together, and how uncertain standard errors of few
    runs are.

    Parameters
    ----------
    ours
        (n, K) accuracies of n runs at the K published points, n at least 3.
    published
        Theirs.
    runs
        m, how many runs a published point is the mean of.
    """
    n = len(ours)
    if n < FEWEST_RUNS:
        raise ValueError(f"{n} runs; how they spread is known from {FEWEST_RUNS} on")
    error = np.asarray(published.reading_error)
    difference = np.asarray(published.accuracy) - ours.mean(0)
    quantile = stats.t.ppf(0.5 + CONFIDENCE / 2, n - 1)
    margin = quantile * ours.std(0, ddof=1) * np.sqrt(1 / n + 1 / runs) + error
    excess = np.maximum(np.abs(difference) - error, 0)
    joint = _joint_p(ours, excess, runs), _p_with_failures(ours, excess, runs)
    return Agreement(difference, margin, *joint)


def _joint_p(ours: NDArray[np.float64], excess: NDArray[np.float64], runs: int) -> float:
    """Return how often simulated differences are as large at some point as the largest found."""
    n = len(ours)
    spread = ours.std(0, ddof=1)
    fixed = spread < 1e-9
    if np.any(excess[fixed] > 1e-9):  # all runs gave one value, and the published one is another
        return 0.0
    if fixed.all():
        return 1.0
    found = _largest(excess[~fixed], spread[~fixed], n, runs)
    centred = (ours - ours.mean(0))[:, ~fixed] / np.sqrt(n - 1)
    drawn = np.random.default_rng(0).standard_normal((DRAWS, n + runs, n)) @ centred
    mine, theirs = drawn[:, :n], drawn[:, n:]
    apart = np.abs(mine.mean(1) - theirs.mean(1))
    larger = int(np.sum(_largest(apart, mine.std(1, ddof=1), n, runs) >= found))
    return (larger + 1) / (DRAWS + 1)


def _p_with_failures(ours: NDArray[np.float64], excess: NDArray[np.float64], runs: int) -> float:
    """Return the joint p with both sides drawn from what our runs did at neighbouring rounds.

    Points are drawn each by itself: that runs go together is left out.
    """
    n, points = ours.shape
    rng = np.random.default_rng(0)
    apart = np.empty((DRAWS, points))
    for k in range(points):
        near = slice(max(0, k - NEIGHBOURS), k + NEIGHBOURS + 1)
        pooled = (ours[:, near] - np.median(ours[:, near], 0)).ravel()
        mine, theirs = (rng.choice(pooled, (DRAWS, size)).mean(1) for size in (n, runs))
        apart[:, k] = np.abs(mine - theirs)
    spread = np.maximum(apart.std(0), 1e-9)
    larger = int(np.sum((apart / spread).max(1) >= (excess / spread).max()))
    return (larger + 1) / (DRAWS + 1)


def _largest(
    apart: NDArray[np.float64], spread: NDArray[np.float64], n: int, runs: int
) -> NDArray[np.float64]:
    """Return the largest difference over the points, in standard errors."""
    return np.asarray((apart / (spread * np.sqrt(1 / n + 1 / runs))).max(-1))
