"""Pools made for tests."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from selection.pool import PoolPredictions

MakePool = Callable[..., PoolPredictions]
DATA = Path(__file__).parent / "data"


@pytest.fixture(scope="session")
def pool_of() -> MakePool:
    """Return a maker of members that err together in part, of about one skill."""

    def make(
        members: int, samples: int, classes: int, seed: int = 0, skill: float = 2.0
    ) -> PoolPredictions:
        rng = np.random.default_rng(seed)
        labels = rng.integers(0, classes, samples)
        shared = rng.normal(0, 1, (samples, classes))
        logits = shared + rng.normal(0, 1, (members, samples, classes))
        logits[:, np.arange(samples), labels] += skill
        p = np.exp(2 * logits)
        p = (p / p.sum(-1, keepdims=True)).astype(np.float32)
        return PoolPredictions(p, labels, tuple(f"m{i}" for i in range(members)), "select")

    return make


@pytest.fixture(scope="session")
def coarse_pool() -> MakePool:
    """Return a maker of probabilities in steps of an eighth: full of ties."""

    def make(members: int, samples: int, classes: int, seed: int) -> PoolPredictions:
        rng = np.random.default_rng(seed)
        counts = rng.multinomial(8, np.full(classes, 1 / classes), (members, samples))
        labels = rng.integers(0, classes, samples)
        p = (counts / 8).astype(np.float32)
        return PoolPredictions(p, labels, tuple(map(str, range(members))), "select")

    return make


@pytest.fixture(scope="session")
def digits_pool() -> PoolPredictions:
    """Return 20 networks trained on digits, their predictions on half of the held-out part."""
    with np.load(DATA / "digits.npz") as stored:
        p, labels = stored["probabilities"][:20, ::2], stored["labels"][::2]
    p = p.astype(np.float32) / p.sum(-1, keepdims=True, dtype=np.float32)
    names = tuple(f"net{i}" for i in range(20))
    return PoolPredictions(p, labels.astype(np.int64), names, "select")
