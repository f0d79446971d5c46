"""Which metric keeps the accuracy longer: areas by hand, pairs by seed."""

import numpy as np
import pytest
from scipy import stats

from pipelines.reproduction.ordering import OrderVerdict, mean_along, orders


def test_the_mean_along_a_curve_counts_each_share_alike() -> None:
    remaining = np.array([1.0, 0.8, 0.2])
    accuracy = np.array([[1.0, 0.9, 0.3], [0.5, 0.5, 0.5]])

    # 0.2 · 0.95 + 0.6 · 0.6 = 0.55 over 0.8
    assert mean_along(remaining, accuracy) == pytest.approx([0.6875, 0.5])


def test_pairs_are_tested_by_seed_and_corrected_for_their_number() -> None:
    rng = np.random.default_rng(0)
    luck = rng.normal(size=10)  # shared by the runs of one seed
    means = {"a": luck + 0.3 + rng.normal(size=10) / 10, "b": luck, "c": luck - 0.001}
    means["c"] += rng.normal(size=10) / 1e6  # p is far smaller: the first in Holm's order

    first, second = orders(means, (("a", "b"), ("c", "b")))

    assert first.found.p == pytest.approx(stats.ttest_rel(means["a"], means["b"]).pvalue)
    assert second.found.p == pytest.approx(2 * stats.ttest_rel(means["c"], means["b"]).pvalue)
    assert first.verdict == OrderVerdict.AS_PUBLISHED
    assert second.verdict == OrderVerdict.REVERSED
    assert first.found.mean.low < first.found.mean.value < first.found.mean.high


def test_equal_runs_are_no_significant_difference() -> None:
    (order,) = orders({"a": np.ones(4), "b": np.ones(4)}, (("a", "b"),))

    assert order.verdict == OrderVerdict.UNDECIDED
    assert order.found.mean.value == 0
