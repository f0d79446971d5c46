"""Temperature: probabilities made as sure as they are right (Guo et al. 2017). NumPy only.

The team's voted probabilities are tempered, not the members' ("pool, then calibrate",
Rahaman & Thiery 2021): p^(1/T), scaled to sum 1. Which class is first never changes.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pruning.core.errors import RequestError

LEAST_TEMPERATURE, MOST_TEMPERATURE = 0.1, 10.0
"""Temperatures outside are not fitted: they speak of a selection split too small."""

FLOOR = 1e-12
"""Smaller probabilities count as this, so that a zero has a logarithm."""

_HALVINGS = 50
"""Of the range of 1/T: more than a double can tell apart."""


def temper(probabilities: NDArray[Any], temperature: float) -> NDArray[Any]:
    """Return (…, C) probabilities at a temperature: above 1 less sure, below 1 surer.

    >>> temper(np.array([0.8, 0.2]), 2.0).round(3)
    array([0.667, 0.333])
    """
    if temperature == 1:
        return probabilities
    logs = np.log(np.maximum(probabilities, FLOOR)) / temperature
    powers = np.exp(logs - logs.max(-1, keepdims=True))
    return np.asarray(powers / powers.sum(-1, keepdims=True))


def fit_temperature(probabilities: NDArray[Any], labels: NDArray[np.int64]) -> float:
    """Return the temperature, in 0.1..10, under which the labels are most likely.

    The mean log loss is convex in 1/T, so the zero of its slope is found by halving. Labels
    are smoothed as in Platt (1999), by one imagined wrong sample, so that a split without a
    mistake does not ask for boundless confidence.

    Parameters
    ----------
    probabilities
        (N, C) of the team on the selection split.
    labels
        (N,) int64 in 0..C-1.

    >>> sure = np.array([[0.99, 0.01]] * 4)
    >>> fit_temperature(sure, np.array([0, 0, 0, 1])) > 2  # right 3 times of 4, not 99 of 100
    True
    """
    if probabilities.ndim != 2 or labels.shape != probabilities.shape[:1] or not len(labels):
        raise RequestError(
            f"probabilities {probabilities.shape} and labels {labels.shape}; "
            "expected (N, C) and (N,), at least one sample"
        )
    logs = np.log(np.maximum(probabilities.astype(np.float64), FLOOR))
    wrong = 1 / (len(labels) + 2)
    spread = wrong / (logs.shape[1] - 1)
    true = logs[np.arange(len(labels)), labels]
    wanted = float(np.mean((1 - wrong - spread) * true + spread * logs.sum(1)))
    low, high = 1 / MOST_TEMPERATURE, 1 / LEAST_TEMPERATURE
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        expected = float(np.mean((temper(np.exp(logs), 1 / middle) * logs).sum(1)))
        low, high = (middle, high) if expected < wanted else (low, middle)
    return 1 / ((low + high) / 2)
