"""Rounding never favours the contender a number belongs to."""

from __future__ import annotations

import math
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.compare.interval import Interval
from pipelines.report.number_format import (
    amount,
    loss,
    loss_range,
    p_value,
    percent,
    percent_range,
    points,
    points_range,
    ratio,
)

shares = st.integers(0, 10**12).map(lambda k: k / 10**12)
differences = st.integers(-(10**12), 10**12).map(lambda k: k / 10**12)
NOISE = 1 - Decimal("1e-11")
"""What computing in floats leaves beyond the twelfth digit decides no rounding."""
PREFIX = {"": 1, "k": 10**3, "M": 10**6, "G": 10**9, "T": 10**12, "P": 10**15}


def read(text: str) -> Decimal:
    """Return the number a text shows."""
    number, _, unit = text.replace("\u2212", "-").partition("\u202f")
    return Decimal(number) * PREFIX.get(unit, 1)


@given(shares)
def test_a_share_is_never_shown_higher_than_it_is(share: float) -> None:
    exact = Decimal(repr(share)) * 100
    assert exact - Decimal("0.01") < read(percent(share)) <= exact


@given(differences)
def test_a_difference_is_never_shown_better_than_it_is(difference: float) -> None:
    exact = Decimal(repr(difference)) * 100
    assert exact - Decimal("0.01") < read(points(difference)) <= exact


@given(st.lists(differences, min_size=3, max_size=3).map(sorted))
def test_the_ends_of_an_interval_move_outwards(ends: list[float]) -> None:
    interval = Interval(ends[1], ends[0], ends[2])
    for text in (points_range(interval), percent_range(interval)):
        low, high = (read(end) for end in text.split(" to "))
        assert low <= Decimal(repr(ends[0])) * 100
        assert high >= Decimal(repr(ends[2])) * 100
    low, high = (read(end) for end in loss_range(interval).split(" to "))
    assert low <= Decimal(repr(ends[0])) <= Decimal(repr(ends[2])) <= high


@given(shares.map(lambda share: 20 * share))
def test_a_loss_is_never_shown_lower_than_it_is(value: float) -> None:
    exact = Decimal(repr(value))
    assert exact * NOISE <= read(loss(value)) < exact + Decimal("0.0001")


@given(st.floats(1e-7, 10))
def test_a_ratio_is_never_shown_lower_than_it_is(share: float) -> None:
    exact = Decimal(repr(share)) * 100
    assert exact * NOISE <= read(ratio(share)) <= exact * Decimal("1.1")


@given(st.one_of(st.integers(1, 10**15), st.floats(1, 1e14)))
def test_an_amount_is_never_shown_lower_than_it_is(value: float) -> None:
    exact = Decimal(repr(float(value)))
    assert exact * NOISE <= read(amount(value)) <= exact * Decimal("1.0101")


@given(st.floats(0.001, 1))
def test_a_p_value_shown_stands_on_the_side_of_5_percent_where_it_is(p: float) -> None:
    shown = Decimal(p_value(p))
    assert (shown < Decimal("0.05")) == (p < 0.05)
    assert abs(shown - Decimal(repr(p))) <= Decimal("0.005")


def test_what_equals_is_shown_equal_and_exact_decimals_stay() -> None:
    assert percent(0.29) == "29.00\u202f%"
    assert points(0.0) == points(-0.0) == "0.00"
    assert ratio(0.05) == "5.0\u202f%"
    assert amount(1000) == "1.00\u202fk"


@pytest.mark.parametrize("write", [percent, points, loss, ratio, amount, p_value])
def test_what_is_not_defined_is_a_dash(write: object) -> None:
    assert callable(write)
    assert write(math.nan) == "–"
