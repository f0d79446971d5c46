"""How good predicted probabilities are, sample by sample."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

BINS = 15
"""Equally wide confidence bins of the calibration error."""

SMALLEST = float(np.finfo(np.float32).eps)
"""Probabilities are clipped here before the logarithm, as scikit-learn does for float32."""


@dataclass(frozen=True, eq=False)
class Reliability:
    """Confidence against accuracy, in equally wide bins of the winning probability.

    Attributes
    ----------
    counts
        (BINS,) int64 samples in each bin.
    confidence, accuracy
        (BINS,) float64 means in each bin; NaN where it is empty.
    """

    counts: NDArray[np.int64]
    confidence: NDArray[np.float64]
    accuracy: NDArray[np.float64]

    @property
    def error(self) -> float:
        """Expected calibration error (Guo et al. 2017, eq. 3), in 0..1; less is better."""
        filled = self.counts > 0
        gaps = np.abs(self.accuracy - self.confidence)[filled]
        return float((gaps * self.counts[filled]).sum() / self.counts.sum())


@dataclass(frozen=True, eq=False)
class SampleScores:
    """How good a contender's probabilities are, sample by sample, averaged over draws.

    A team is one draw. "One of the M networks" or "a random team" is several draws: its
    numbers are the means over them.

    Attributes
    ----------
    correct
        (N,) float64 share of the draws that are right, in 0..1.
    log_loss
        (N,) float64 −ln of the true class's probability; less is better.
    brier
        (N,) float64 squared distance to the one-hot label, summed over the classes, in
        0..2; less is better.
    ece
        Expected calibration error, in 0..1; less is better.
    draws
        How many predictions were averaged.
    predicted, confidence
        (N,) the predicted class and its probability of a single draw; None for several.
    """

    correct: NDArray[np.float64]
    log_loss: NDArray[np.float64]
    brier: NDArray[np.float64]
    ece: float
    draws: int = 1
    predicted: NDArray[np.int64] | None = None
    confidence: NDArray[np.float64] | None = None

    @property
    def hits(self) -> NDArray[np.bool_] | None:
        """(N,) whether the single draw is right; None for several draws."""
        return None if self.predicted is None else self.correct == 1


def score(probabilities: NDArray[np.float32], labels: NDArray[np.int64]) -> SampleScores:
    """Return the sample scores of one prediction.

    Parameters
    ----------
    probabilities
        (N, C), rows summing to 1. The first of equal maxima is the prediction.
    labels
        (N,) in 0..C-1.
    """
    if probabilities.ndim != 2 or len(probabilities) != len(labels):
        raise ValueError(
            f"probabilities of shape {probabilities.shape} for {len(labels)} labels; "
            "expected (N, C) with N labels"
        )
    rows = np.arange(len(labels))
    predicted = probabilities.argmax(1)
    true = probabilities[rows, labels].astype(np.float64)
    confidence = probabilities[rows, predicted].astype(np.float64)
    squares = np.einsum("nc,nc->n", probabilities, probabilities, dtype=np.float64)
    correct = (predicted == labels).astype(np.float64)
    return SampleScores(
        correct=correct,
        log_loss=-np.log(true.clip(SMALLEST, 1)),
        brier=(squares - 2 * true + 1).clip(0),
        ece=reliability(confidence, correct).error,
        predicted=predicted,
        confidence=confidence,
    )


def mean_scores(draws: Iterable[SampleScores]) -> SampleScores:
    """Return the sample scores of "one of these", each equally likely."""
    scores = list(draws)
    if len(scores) == 1:
        return scores[0]
    return SampleScores(
        correct=np.mean([s.correct for s in scores], axis=0),
        log_loss=np.mean([s.log_loss for s in scores], axis=0),
        brier=np.mean([s.brier for s in scores], axis=0),
        ece=float(np.mean([s.ece for s in scores])),
        draws=len(scores),
    )


def confidence_bins(confidence: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return (N,) the bin of each confidence; a bin holds its upper edge."""
    return (np.ceil(confidence * BINS).astype(np.int64) - 1).clip(0, BINS - 1)


def reliability(confidence: NDArray[np.float64], correct: NDArray[np.float64]) -> Reliability:
    """Return confidence and accuracy in each bin.

    >>> reliability(np.array([0.9, 0.9]), np.array([1.0, 0.0])).error
    0.4
    """
    bins = confidence_bins(confidence)
    counts = np.bincount(bins, minlength=BINS)
    with np.errstate(invalid="ignore"):
        return Reliability(
            counts,
            np.bincount(bins, confidence, BINS) / counts,
            np.bincount(bins, correct, BINS) / counts,
        )
