"""How numbers are written: rounded against the contender they belong to, never for it.

Accuracies are rounded down, losses, costs and ratios up, the ends of an interval outwards.
Before that, what computing in floats leaves beyond the twelfth digit is taken off: 0.29 is 29 %,
not 28.99 %, and 0.58 less 0.6 is −2.00 points, not −2.01.
"""

from __future__ import annotations

import math
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

from pipelines.compare.interval import ALPHA, Interval

NARROW = "\u202f"
"""A narrow space that does not break, before a unit."""

MINUS = "\u2212"
MISSING = "–"
_PREFIXES = ("", "k", "M", "G", "T", "P", "E")


def down(value: float, decimals: int) -> str:
    """Return the number rounded towards minus infinity.

    >>> down(0.97996, 3), down(-0.0041, 3)
    ('0.979', '−0.005')
    """
    return _fixed(_exact(value), decimals, ROUND_FLOOR)


def up(value: float, decimals: int) -> str:
    """Return the number rounded towards plus infinity.

    >>> up(0.12301, 3)
    '0.124'
    """
    return _fixed(_exact(value), decimals, ROUND_CEILING)


def _exact(value: float) -> Decimal:
    return Decimal(f"{value:.12g}")


def _fixed(value: Decimal, decimals: int, rounding: str) -> str:
    rounded = value.quantize(Decimal(1).scaleb(-decimals), rounding=rounding)
    text = f"{abs(rounded):.{decimals}f}"
    return MINUS + text if rounded < 0 else text


def percent(share: float) -> str:
    """Return a share as per cent, rounded down.

    >>> percent(0.29)
    '29.00\u202f%'
    """
    if math.isnan(share):
        return MISSING
    return down_percent(share) + NARROW + "%"


def down_percent(share: float) -> str:
    """Return a share in per cent without the sign, rounded down."""
    return _fixed(_exact(share) * 100, 2, ROUND_FLOOR)


def up_percent(share: float) -> str:
    """Return a share in per cent without the sign, rounded up."""
    return _fixed(_exact(share) * 100, 2, ROUND_CEILING)


def percent_range(interval: Interval) -> str:
    """Return the ends of a share's interval, rounded outwards.

    >>> percent_range(Interval(0.9, 0.82563, 0.94477))
    '82.56 to 94.48'
    """
    if math.isnan(interval.low):
        return MISSING
    return f"{down_percent(interval.low)} to {up_percent(interval.high)}"


def points(difference: float) -> str:
    """Return a difference of shares in percentage points with its sign, rounded down.

    >>> points(0.0049999), points(-0.0041), points(0.58 - 0.6)
    ('+0.49', '−0.41', '−2.00')
    """
    if math.isnan(difference):
        return MISSING
    return _signed(_fixed(_exact(difference) * 100, 2, ROUND_FLOOR))


def points_range(interval: Interval) -> str:
    """Return the ends of a difference's interval in points, rounded outwards."""
    if math.isnan(interval.low):
        return MISSING
    return f"{_signed(down_percent(interval.low))} to {_signed(up_percent(interval.high))}"


def _signed(text: str) -> str:
    return text if text.startswith(MINUS) or not text.strip("0.") else f"+{text}"


def loss(value: float) -> str:
    """Return a loss with four decimals, rounded up."""
    return MISSING if math.isnan(value) else up(value, 4)


def loss_range(interval: Interval) -> str:
    """Return the ends of a loss's interval, rounded outwards."""
    if math.isnan(interval.low):
        return MISSING
    return f"{down(interval.low, 4)} to {up(interval.high, 4)}"


def ratio(share: float) -> str:
    """Return a share of a cost with two significant digits, three from 10 % on, rounded up.

    >>> ratio(0.043001), ratio(0.1249), ratio(1.0), ratio(0.000123)
    ('4.4\u202f%', '12.5\u202f%', '100\u202f%', '0.013\u202f%')
    """
    if math.isnan(share):
        return MISSING
    value = _exact(share) * 100
    return _significant(value, 3 if value >= 10 else 2) + NARROW + "%"


def amount(value: float, unit: str = "") -> str:
    """Return a count with three significant digits and a decimal prefix, rounded up.

    >>> amount(1234567), amount(23059200.0, "B"), amount(950), amount(999999)
    ('1.24\u202fM', '23.1\u202fMB', '950', '1.00\u202fM')
    """
    if math.isnan(value):
        return MISSING
    scaled, power = _exact(value), 0
    while _round_significant(scaled, 3) >= 1000 and power < len(_PREFIXES) - 1:
        scaled, power = scaled / 1000, power + 1
    whole = power == 0 and scaled == scaled.to_integral()
    text = str(int(scaled)) if whole else _significant(scaled, 3)
    suffix = _PREFIXES[power] + unit
    return f"{text}{NARROW}{suffix}" if suffix else text


def down_amount(value: float) -> str:
    """Return an amount of which more is better: three significant digits, rounded down.

    >>> down_amount(1239999), down_amount(950.7), down_amount(0.01239)
    ('1.23\u202fM', '950', '0.0123')
    """
    scaled, power = _exact(value), 0
    while scaled >= 1000 and power < len(_PREFIXES) - 1:
        scaled, power = scaled / 1000, power + 1
    cut = scaled.quantize(Decimal(1).scaleb(scaled.adjusted() - 2), rounding=ROUND_FLOOR)
    text = f"{cut:.{max(0, 2 - cut.adjusted()) if cut else 0}f}"
    return f"{text}{NARROW}{_PREFIXES[power]}" if power else text


def tick(value: float, unit: str = "") -> str:
    """Return a round number for an axis, as short as it can be.

    >>> tick(30000000.0), tick(1500)
    ('30\u202fM', '1.5\u202fk')
    """
    power = 0
    while value >= 1000 and power < len(_PREFIXES) - 1:
        value, power = value / 1000, power + 1
    suffix = _PREFIXES[power] + unit
    return f"{value:g}{NARROW}{suffix}" if suffix else f"{value:g}"


def percent_tick(share: float) -> str:
    """Return a round share for an axis.

    >>> percent_tick(0.85)
    '85\u202f%'
    """
    return f"{share * 100:g}{NARROW}%"


def _round_significant(value: Decimal, digits: int) -> Decimal:
    if not value:
        return value
    return value.quantize(Decimal(1).scaleb(value.adjusted() - digits + 1), rounding=ROUND_CEILING)


def _significant(value: Decimal, digits: int) -> str:
    rounded = _round_significant(value, digits)
    decimals = max(0, digits - 1 - rounded.adjusted()) if rounded else 0
    return f"{rounded:.{decimals}f}"


def p_value(p: float) -> str:
    """Return a p-value; one near 0.05 keeps the digits that tell its side.

    >>> [p_value(p) for p in (0.404, 0.04, 0.04996, 0.00001, 1.0)]
    ['0.40', '0.040', '0.04996', '< 0.001', '1.00']
    """
    if math.isnan(p):
        return MISSING
    if p < 0.001:
        return "< 0.001"
    exact, decimals = _exact(p), 2 if p >= 0.1 else 3
    limit = Decimal(repr(round(ALPHA, 9)))
    while (text := round(exact, decimals)) == limit != exact:
        decimals += 1
    return f"{text:f}"


def whole(value: int) -> str:
    """Return a count with its thousands apart.

    >>> whole(1797)
    '1,797'
    """
    return f"{value:,}"
