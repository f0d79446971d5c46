"""The default method: the team of the highest soft accuracy."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from selection.costs import PoolCosts
from selection.methods.soft import SoftSelection
from selection.pool import PoolPredictions
from selection.search.lattice import all_teams
from selection.search.problem import Problem
from selection.search.soft_accuracy import SoftAccuracy

MakePool = Callable[..., PoolPredictions]


def test_soft_finds_the_best_of_all_where_all_can_be_looked_at(pool_of: MakePool) -> None:
    for seed in range(5):
        problem = Problem(pool_of(9, 150, 4, seed=seed), 4)
        values = SoftAccuracy(problem, 0.4).of(all_teams(9, 4))
        found = SoftSelection(size=4).choose(problem.pool).team
        assert SoftAccuracy(problem, 0.4).of(np.array([found]))[0] == pytest.approx(values.max())


def test_of_equal_soft_accuracy_soft_takes_the_more_accurate_then_the_cheaper() -> None:
    """Margins of eighths that sum to 0 within the ramp: right on one sample of four, or three."""
    margins = np.array([[3, -1, -1, -1], [1, 1, 1, -3], [1, 1, -3, 1]]) / 8
    pool = PoolPredictions.of(np.stack([1 + margins, 1 - margins], -1) / 2, [0] * 4)
    assert SoftSelection(size=1).fit_pool(pool).team_ == (1,)
    assert SoftSelection(size=1).fit_pool(pool, PoolCosts.of(flops=[1, 9, 8])).team_ == (2,)


def test_soft_starts_from_the_most_accurate_members_too(pool_of: MakePool) -> None:
    for seed in range(5):
        pool = pool_of(16, 80, 4, seed=seed)
        search = SoftSelection(size=4, starts=0).choose(pool)
        right = (pool.predictions == pool.labels).sum(1)
        best = sorted(np.argsort(-right, kind="stable")[:4].tolist())
        assert best in search.levels[-1].teams.tolist()
        assert len(search.levels[-1].teams) < 1820, "it does not look at all of them"
