"""Published curves against runs: hand-computed margins, and how often equals are told apart."""

import numpy as np
import pytest
from scipy import stats

from pipelines.reproduction.agreement import CurveVerdict, agreement
from pipelines.reproduction.published import PublishedCurve


def published(accuracy: list[float], error: float = 0.0) -> PublishedCurve:
    shares = tuple(np.linspace(1, 0.1, len(accuracy)))
    return PublishedCurve(shares, tuple(accuracy), (error,) * len(accuracy))


def test_a_margin_is_students_with_the_published_runs_and_the_reading_error() -> None:
    ours = np.array([[0.9, 0.5], [0.8, 0.6], [0.7, 0.4]])

    held = agreement(ours, published([0.8, 0.9], 0.01), runs=15)

    # Both columns have standard deviation 0.1; t(0.975, 2) = 4.3027.
    assert held.margin == pytest.approx([4.302653 * 0.1 * (1 / 3 + 1 / 15) ** 0.5 + 0.01] * 2)
    assert held.difference == pytest.approx([0.0, 0.4])
    assert held.points == 1


def test_runs_of_one_kind_are_told_apart_as_rarely_as_promised() -> None:
    rng = np.random.default_rng(1)
    mix = rng.normal(size=(12, 12)) + 2  # points of a run go together
    told_apart = 0
    for _ in range(100):
        runs = rng.normal(size=(5 + 15, 12)) @ mix
        told_apart += not agreement(runs[:5], published([*runs[5:].mean(0)]), 15).agrees

    # 5 % are promised; more than 12 of 100 would come by chance once in a thousand times.
    assert told_apart <= stats.binom.ppf(0.999, 100, 0.05)


def test_a_shift_at_one_point_is_found() -> None:
    rng = np.random.default_rng(2)
    runs = 0.8 + 0.01 * rng.normal(size=(15, 17))
    accuracy = np.full(17, 0.8)
    accuracy[9] -= 0.05

    assert not agreement(runs, published([*accuracy]), 15).agrees
    assert agreement(runs, published([*accuracy], error=0.06), 15).agrees


def test_a_point_at_which_no_run_differs_must_be_met_within_the_reading_error() -> None:
    ours = np.array([[0.9, 0.1], [0.8, 0.1], [0.7, 0.1]])

    assert agreement(ours, published([0.8, 0.104], 0.005), 15).agrees
    assert agreement(ours, published([0.8, 0.11], 0.005), 15).p == 0.0
    assert agreement(ours[:, 1:], published([0.1]), 15).p == 1.0


def test_two_runs_say_nothing_of_their_spread() -> None:
    with pytest.raises(ValueError, match="2 runs"):
        agreement(np.ones((2, 3)), published([1.0, 1.0, 1.0]), 15)


def test_a_failed_run_of_theirs_is_told_from_a_difference() -> None:
    rng = np.random.default_rng(3)
    ours = 0.9 + 0.01 * rng.normal(size=(15, 12))
    ours[4, 3] = ours[9, 7] = 0.1  # two of ours failed
    accuracy = np.full(12, 0.9)
    accuracy[5] -= 0.8 / 15  # and one of their fifteen, at a round between

    held = agreement(ours, published([*accuracy]), 15)

    assert held.p < 0.05 <= held.p_with_failures
    assert held.verdict == CurveVerdict.BUT_FOR_FAILURES
    accuracy[5] -= 4 * 0.8 / 15
    assert agreement(ours, published([*accuracy]), 15).verdict == CurveVerdict.DIFFERS
