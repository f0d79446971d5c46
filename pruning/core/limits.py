"""Numbers that a message quotes to be asked for."""

from __future__ import annotations

import decimal


def rounded_up(value: float, decimals: int) -> float:
    """Return the least number of so many decimals that is no smaller: one to ask for as a limit.

    >>> rounded_up(0.03125, 4), rounded_up(1405023.2, 0), rounded_up(0.5, 4), rounded_up(0.025, 4)
    (0.0313, 1405024.0, 0.5, 0.025)
    """
    step = decimal.Decimal(1).scaleb(-decimals)
    return float(decimal.Decimal(repr(float(value))).quantize(step, decimal.ROUND_CEILING))
