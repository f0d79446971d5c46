"""A cheaper team in place of one that is better by no more than noise."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from selection_support import pool_from

from pruning.core.errors import RequestError
from selection.costs import PoolCosts
from selection.methods.method import METHODS
from selection.pool import PoolPredictions
from selection.voting import vote

MakePool = Callable[..., PoolPredictions]


@pytest.mark.parametrize("method", METHODS.names())
def test_a_thrifty_choice_is_no_dearer_and_not_worse_beyond_noise(
    pool_of: MakePool, method: str
) -> None:
    pool = pool_of(9, 150, 4)
    costs = PoolCosts.of(flops=np.arange(1, 10.0))
    usual, thrifty = (
        METHODS[method](size=4, thrifty=asked).fit_pool(pool, costs) for asked in (False, True)
    )
    best, found = (
        vote(pool.probabilities[list(m.team_)], np.full(len(m.team_), 1 / len(m.team_)), "mean")
        .argmax(-1) == pool.labels
        for m in (usual, thrifty)
    )  # fmt: skip
    assert costs.flops is not None
    assert costs.flops[list(thrifty.team_)].sum() <= costs.flops[list(usual.team_)].sum()
    lost, gained = (best & ~found).sum(), (found & ~best).sum()
    assert lost - gained <= np.sqrt(lost + gained)


@pytest.mark.parametrize("method", METHODS.names())
def test_members_that_help_nobody_go_whatever_the_method_looks_at(method: str) -> None:
    """Every member answers the same, so that one is as good as four."""
    p = np.random.default_rng(3).dirichlet(np.ones(3), 90)
    pool = PoolPredictions.of(np.array([p] * 6), p.argmax(1))
    chooser = METHODS[method](size=4, thrifty=True)
    chooser.fit_pool(pool, PoolCosts.of(flops=np.ones(6)))
    assert len(chooser.team_) == 1
    assert chooser.weights_.tolist() == [1.0]
    assert len(chooser.candidates_[chooser.candidates_["chosen"]]) == 1


def test_what_is_left_of_a_weighed_team_keeps_its_weights(pool_of: MakePool) -> None:
    pool, costs = pool_of(9, 150, 4), PoolCosts.of(flops=np.arange(1, 10.0))
    whole = METHODS["caruana"](size=6).fit_pool(pool)
    part = METHODS["caruana"](size=6, thrifty=True).fit_pool(pool, costs)
    assert set(part.team_) < set(whole.team_)
    share = dict(zip(whole.team_, whole.weights_, strict=True))
    kept = np.array([share[row] for row in part.team_])
    np.testing.assert_allclose(part.weights_, kept / kept.sum())


def test_a_thrifty_choice_by_hand() -> None:
    labels = [0] * 100
    good, alike, bad = [0] * 100, [1, *[0] * 99], [*[1] * 40, *[0] * 60]
    pool = pool_from([good, alike, bad], labels, 2)
    costs = PoolCosts.of(flops=[10.0, 4.0, 1.0])
    chosen = METHODS["exhaustive"](size=1, thrifty=True).fit_pool(pool, costs)
    assert chosen.team_ == (1,), "one sample of a hundred is within one standard error, 40 are not"


def test_a_cheaper_team_may_err_elsewhere_as_long_as_it_errs_as_often() -> None:
    """Right alone are the dear one on 10 samples, the cheap one on 9: 1 is within √19."""
    dear, cheap = [1] * 9 + [0] * 91, [0] * 9 + [1] * 10 + [0] * 81
    pool = pool_from([dear, cheap], [0] * 100, 2)
    chosen = METHODS["exhaustive"](size=1, thrifty=True).fit_pool(
        pool, PoolCosts.of(flops=[2.0, 1.0])
    )
    assert chosen.team_ == (1,)


def test_of_too_many_teams_the_most_accurate_are_compared(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("selection.search.thrift.MOST_COMPARED", 2)
    wrong = [[1] * n + [0] * (100 - n) for n in (60, 59, 0, 1)]
    pool = pool_from(wrong, [0] * 100, 2)
    chosen = METHODS["exhaustive"](size=1, thrifty=True).fit_pool(
        pool, PoolCosts.of(flops=[1.0, 1.0, 9.0, 5.0])
    )
    assert chosen.team_ == (3,)


def test_thrift_without_costs_is_refused(pool_of: MakePool) -> None:
    with pytest.raises(
        RequestError, match=r"needs the members' costs; none were given: costs=PoolCosts\.of"
    ):
        METHODS["top"](size=2, thrifty=True).fit_pool(pool_of(4, 50, 3))
