"""Caruana's selection with replacement, held against the paper's words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import numpy as np
import pytest

from pruning.core.errors import RequestError
from selection.methods.method import METHODS
from selection.pool import PoolPredictions

MakePool = Callable[..., PoolPredictions]


def plain_caruana(pool: PoolPredictions, size: int, rounds: int) -> dict[int, int]:
    """Return the votes of each member of the best round with a full team, by the paper's words."""
    p, truth = pool.probabilities.astype(float), np.eye(3)[pool.labels]
    picks: list[int] = []
    best: tuple[int, list[int]] = (-1, [])
    for _ in range(rounds):
        full = len(set(picks)) == size
        scores = {}
        for row in range(len(pool)):
            if row in picks or not full:
                mean = p[[*picks, row]].mean(0)
                right = int((mean.argmax(-1) == pool.labels).sum())
                scores[row] = (right, -np.square(mean - truth).sum())
        picks.append(max(scores, key=lambda row: scores[row]))
        if len(set(picks)) == size and scores[picks[-1]][0] > best[0]:
            best = (scores[picks[-1]][0], picks.copy())
    return dict(sorted(Counter(best[1]).items()))


@pytest.mark.parametrize("seed", range(4))
def test_caruana_picks_as_the_paper_says(pool_of: MakePool, seed: int) -> None:
    pool = pool_of(7, 150, 3, seed=seed)
    votes = plain_caruana(pool, 3, rounds=20)
    found = METHODS["caruana"](size=3, rounds=20).fit_pool(pool)
    assert found.team_ == tuple(votes)
    np.testing.assert_allclose(found.weights_, np.array(list(votes.values())) / sum(votes.values()))


def test_caruana_makes_a_pick_at_least(pool_of: MakePool) -> None:
    with pytest.raises(RequestError, match="rounds 0; allowed 1 and more"):
        METHODS["caruana"](size=2, rounds=0).fit_pool(pool_of(4, 50, 3))
    once = METHODS["caruana"](size=1, rounds=1).fit_pool(pool_of(4, 50, 3))
    assert once.weights_.tolist() == [1]
