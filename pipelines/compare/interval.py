"""An estimate and its 95 % interval: the value that every uncertain number is told with."""

from __future__ import annotations

import math
from dataclasses import dataclass

CONFIDENCE = 0.95
"""Of every interval."""

ALPHA = 1 - CONFIDENCE
"""A p-value below this is called significant."""


@dataclass(frozen=True)
class Interval:
    """An estimate and the ends of its 95 % interval.

    A `value` of NaN means "not defined"; ends of NaN mean "no interval is claimed".
    """

    value: float
    low: float = math.nan
    high: float = math.nan

    def __post_init__(self) -> None:
        if self.low > self.high:
            raise ValueError(f"interval from {self.low} to {self.high} is upside down")
