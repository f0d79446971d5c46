"""Pools whose answers are known."""

from __future__ import annotations

import numpy as np

from selection.pool import PoolPredictions


def pool_from(predictions: list[list[int]], labels: list[int], classes: int) -> PoolPredictions:
    """Return members that are sure of every label."""
    p = np.eye(classes, dtype=np.float32)[np.array(predictions)]
    return PoolPredictions(p, np.array(labels), tuple(map(str, range(len(p)))), "select")
