"""Every selection method keeps the contract."""

from __future__ import annotations

import numpy as np
import pytest

from pruning.errors import RequestError
from selection.choose import select
from selection.methods.registry import METHODS
from selection.pool import PoolPredictions


def pool_of(members: int, samples: int, classes: int, seed: int = 0) -> PoolPredictions:
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, classes, samples)
    logits = rng.normal(0, 1, (samples, classes)) + rng.normal(0, 1, (members, samples, classes))
    logits[:, np.arange(samples), labels] += 2
    p = np.exp(2 * logits)
    p = (p / p.sum(-1, keepdims=True)).astype(np.float32)
    return PoolPredictions(p, labels, tuple(f"m{i}" for i in range(members)), "select")


@pytest.mark.parametrize("method", METHODS.names())
def test_a_method_chooses_size_different_members(method: str) -> None:
    pool = pool_of(8, 300, 4)
    chosen = select(pool, method, 3)
    assert len(set(chosen.team)) == 3
    assert set(chosen.team) <= set(pool.member_ids)
    assert chosen.candidates["chosen"][0]
    assert chosen.candidates["accuracy"][0] == pytest.approx(chosen.accuracy, abs=1e-12)


@pytest.mark.parametrize("method", METHODS.names())
def test_a_method_refuses_the_test_split(method: str) -> None:
    pool = pool_of(4, 50, 3)
    hidden = PoolPredictions(pool.probabilities, pool.labels, pool.member_ids, "test")
    with pytest.raises(RequestError, match="test"):
        select(hidden, method, 2)
