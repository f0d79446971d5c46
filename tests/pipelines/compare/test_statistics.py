"""The statistics against scipy, statsmodels and each other."""

from __future__ import annotations

import math

import numpy as np
import pytest
import scipy.stats
from statsmodels.stats.contingency_tables import mcnemar as reference_mcnemar
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import proportion_confint

from pipelines.compare.bootstrap import bootstrap_t, paired_bootstrap, resampled_means
from pipelines.compare.interval import Interval
from pipelines.compare.mean_intervals import (
    balanced_interval,
    effective_wilson,
    mean_interval,
    share_difference,
    share_interval,
    wilson,
)
from pipelines.compare.significance import holm, mcnemar


@pytest.mark.parametrize(("right", "samples"), [(0, 7), (7, 7), (1, 1), (93, 100), (9701, 10000)])
def test_wilson_is_that_of_statsmodels(right: int, samples: int) -> None:
    low, high = proportion_confint(right, samples, method="wilson")
    for ours in (wilson(right, samples), effective_wilson(right / samples, samples)):
        assert ours.value == right / samples
        assert (ours.low, ours.high) == pytest.approx((low, high), abs=1e-12)


@pytest.mark.parametrize(("share", "samples"), [(0.3, 7.25), (0.97, 180.5), (1.0, 9.5)])
def test_wilson_of_an_effective_number_is_that_of_statsmodels(share: float, samples: float) -> None:
    low, high = proportion_confint(share * samples, samples, method="wilson")
    ours = effective_wilson(share, samples)
    assert (ours.low, ours.high) == pytest.approx((low, high), abs=1e-12)


def test_a_share_of_zeros_and_ones_has_wilsons_interval() -> None:
    values = (np.arange(200) < 187).astype(float)
    assert share_interval(values).low == pytest.approx(wilson(187, 200).low, abs=1e-12)


def test_a_mean_over_draws_is_surer_than_one_draw_and_less_sure_than_all_apart() -> None:
    rng = np.random.default_rng(0)
    values = (rng.random((30, 400)) < rng.beta(8, 2, 400)).mean(0)
    mean = values.mean()
    ours = share_interval(values, 30)
    one, apart = effective_wilson(mean, 400), effective_wilson(mean, 400 * 30)
    assert one.low < ours.low < apart.low < mean < apart.high < ours.high < one.high
    normal = 1.96 * values.std() / 20
    assert ours.high - ours.low == pytest.approx(2 * normal, rel=0.02)


def test_draws_that_cancel_out_still_leave_doubt() -> None:
    ours = share_interval(np.full(50, 0.5), 2)
    assert ours.high - ours.low == pytest.approx(2 * 0.098, rel=0.05)  # 100 coins


def test_balanced_interval_of_balanced_equally_hard_classes_is_wilsons() -> None:
    labels = np.repeat(np.arange(4), 50)
    correct = np.tile((np.arange(50) < 40).astype(float), 4)
    ours, plain = balanced_interval(correct, labels), wilson(160, 200)
    assert (ours.value, ours.low) == pytest.approx((0.8, plain.low), abs=1e-12)


def test_balanced_interval_counts_a_rare_class_as_much_as_a_common_one() -> None:
    labels = np.array([0] * 990 + [2] * 10)  # class 1 is absent
    correct = np.array([1.0] * 990 + [1.0] * 5 + [0.0] * 5)
    ours = balanced_interval(correct, labels)
    assert ours.value == 0.75
    standard_error = math.sqrt(0.25 / 10) / 2
    assert ours.high - ours.low == pytest.approx(2 * 1.96 * standard_error, rel=0.1)


def test_resampled_means_move_like_the_standard_error() -> None:
    rng = np.random.default_rng(1)
    columns = rng.gamma(1.0, size=(500, 2))
    drawn = resampled_means(columns, rng, 4000)
    assert drawn.shape == (4000, 2)
    assert drawn.mean(0) == pytest.approx(columns.mean(0), rel=0.01)
    assert drawn.std(0) == pytest.approx(columns.std(0) / math.sqrt(500), rel=0.04)
    with_itself = resampled_means(np.stack([columns[:, 0]] * 2, 1), rng, 10)
    assert np.array_equal(with_itself[:, 0], with_itself[:, 1])


def test_bootstrap_t_agrees_with_the_t_interval_where_nothing_is_skewed() -> None:
    rng = np.random.default_rng(2)
    values = rng.normal(3, 1, (400, 1))
    low, high = scipy.stats.t.interval(0.95, 399, 3, values.std(ddof=1) / 20)
    (ours,) = bootstrap_t(values, rng, 20_000)
    assert ours.low - ours.value == pytest.approx(low - 3, rel=0.05)
    assert ours.high - ours.value == pytest.approx(high - 3, rel=0.05)


def test_bootstrap_t_leans_towards_the_long_tail_and_stays_within_the_values() -> None:
    rng = np.random.default_rng(3)
    (skewed,) = bootstrap_t(rng.lognormal(0, 1.5, (80, 1)), rng)
    assert skewed.high - skewed.value > 1.3 * (skewed.value - skewed.low)
    (constant, few) = bootstrap_t(np.array([[2.0, 0.0], [2.0, 5.0]]), rng)
    assert (constant.low, constant.value, constant.high) == (2, 2, 2)
    assert 0 <= few.low <= few.high <= 5


def test_paired_bootstrap_is_scipys_on_the_same_samples() -> None:
    rng = np.random.default_rng(4)
    gaps = rng.choice([-1.0, 0.0, 1.0], 1000, p=[0.03, 0.91, 0.06])
    (ours,) = paired_bootstrap(gaps[:, None], rng, 20_000)
    padded = np.append(gaps, [1.0, -1.0])
    theirs = scipy.stats.bootstrap(
        (padded,), np.mean, method="percentile", n_resamples=20_000, rng=rng, batch=500
    ).confidence_interval
    assert (ours.difference.low, ours.difference.high) == pytest.approx(tuple(theirs), abs=0.0011)
    z = gaps.mean() / (gaps.std() / math.sqrt(1000))
    assert ours.p == pytest.approx(2 * scipy.stats.norm.sf(z), rel=0.35, abs=2e-4)


def test_two_that_never_disagree_are_not_called_equal_beyond_doubt() -> None:
    (ours,) = paired_bootstrap(np.zeros((100, 1)), np.random.default_rng(5))
    assert ours.difference.value == 0
    assert ours.difference.low < -0.01 < 0.01 < ours.difference.high
    assert ours.p == 1


@pytest.mark.parametrize(("a", "b"), [(0, 0), (1, 0), (3, 9), (10, 2), (40, 71), (900, 1100)])
def test_mcnemar_is_that_of_statsmodels(a: int, b: int) -> None:
    first = np.array([True] * a + [False] * b + [True] * 20)
    second = np.array([False] * a + [True] * b + [True] * 20)
    theirs = reference_mcnemar([[20, a], [b, 0]], exact=True).pvalue if a + b else 1.0
    assert mcnemar(first, second) == pytest.approx(theirs, rel=1e-9)
    assert mcnemar(second, first) == mcnemar(first, second)


def test_holm_is_that_of_statsmodels_and_skips_what_was_not_tested() -> None:
    p = np.random.default_rng(6).random(30) ** 3
    assert holm(p) == pytest.approx(multipletests(p, method="holm")[1], rel=1e-12)
    with_gap = np.insert(p, 7, np.nan)
    assert np.delete(holm(with_gap), 7) == pytest.approx(holm(p), rel=1e-12)
    assert math.isnan(holm(with_gap)[7])
    assert holm(np.array([])).size == 0


@pytest.mark.parametrize("freedom", [1, 2, 3, 4, 9, 19, 199])
def test_the_interval_of_a_mean_is_scipys_t_interval(freedom: int) -> None:
    values = np.random.default_rng(freedom).normal(3, 2, freedom + 1)
    mean, error = values.mean(), scipy.stats.sem(values)
    ours = mean_interval(values)
    theirs = scipy.stats.t.interval(0.95, freedom, mean, error)
    assert (ours.value, ours.low, ours.high) == pytest.approx((mean, *theirs), rel=1e-12)


def test_the_mean_of_one_value_claims_no_interval() -> None:
    ours = mean_interval(np.array([0.5]))
    assert ours.value == 0.5 and math.isnan(ours.low) and math.isnan(ours.high)


def test_the_difference_of_two_shares_is_newcombes_example() -> None:
    """56 of 70 less 48 of 80 (Newcombe 1998, table II, example a, method 10)."""
    ours = share_difference(wilson(56, 70), wilson(48, 80))
    assert (ours.value, ours.low, ours.high) == pytest.approx((0.2, 0.0524, 0.3339), abs=5e-5)


def test_an_interval_upside_down_is_refused() -> None:
    with pytest.raises(ValueError, match=r"from 2.* to 1.* upside down"):
        Interval(1.5, 2.0, 1.0)
