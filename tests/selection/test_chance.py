"""Which members are below chance, and that a choice from arrays says so."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

from selection.chance import below_chance, chance_line
from selection.choosing import select
from selection.pool import PoolPredictions


def pool_right_on(*right: int, samples: int = 100, classes: int = 10) -> PoolPredictions:
    """Return members right on so many samples; all labels are 0."""
    predicted = np.array([[0] * n + [1] * (samples - n) for n in right])
    return PoolPredictions.of(np.eye(classes)[predicted], np.zeros(samples, int))


def test_below_chance_is_what_one_in_a_thousand_would_be_by_chance() -> None:
    """Of 100 at one in ten: up to 1 with odds of 0.0003, up to 2 of 0.002; the rest by scipy."""
    assert below_chance(pool_right_on(0, 1, 2, 10, 100)) == (0, 1)
    assert below_chance(pool_right_on(0, 0, samples=60)) == (), "0.9 ** 60 is 0.0018"
    assert below_chance(pool_right_on(32, 33, classes=2, samples=97)) == (0,)
    assert below_chance(pool_right_on(5, samples=5, classes=1)) == ()
    assert below_chance(pool_right_on(4844, 4845, samples=10_000, classes=2)) == (0,)


def test_the_line_names_three_members_and_counts_the_others() -> None:
    assert chance_line(pool_right_on(50, 60)) == ""
    assert chance_line(pool_right_on(0, 50)).startswith("0 is right on 0 % of the samples, fewer")
    assert chance_line(pool_right_on(50, 0, 1, 0, 1, 0)).startswith(
        "1, 2, 3 and 2 more are right on 0 to 1 % of the samples, fewer than by chance (10 %)"
    )


def test_a_choice_from_arrays_warns_of_columns_in_another_order() -> None:
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 4, 80)
    p = rng.dirichlet(np.ones(4), (4, 80)) / 4 + 3 / 4 * np.eye(4)[labels]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        select(p, labels, size=2)
    with pytest.warns(UserWarning, match="0, 1, 2 and 1 more are right on 0 % of the samples"):
        select(np.roll(p, 1, -1), labels, size=2)
