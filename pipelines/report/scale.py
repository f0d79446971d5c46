"""Scales of a figure: from numbers to places on the page, with ticks."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Scale:
    """Maps numbers from `low` to `high` onto coordinates from `start` to `end`.

    Attributes
    ----------
    low, high
        Ends of the numbers; different, and positive where `log`.
    start, end
        Their coordinates; `end` may be the smaller.
    log
        Whether equal ratios, not equal differences, take equal space.
    """

    low: float
    high: float
    start: float
    end: float
    log: bool = False

    def __post_init__(self) -> None:
        if not self.low < self.high or (self.log and self.low <= 0):
            raise ValueError(f"a scale cannot run from {self.low} to {self.high}")

    def __call__(self, value: float) -> float:
        """Return the coordinate of a number."""
        low, high = self.low, self.high
        if self.log:
            low, high, value = math.log(low), math.log(high), math.log(value)
        return self.start + (value - low) / (high - low) * (self.end - self.start)

    def ticks(self, wanted: int = 5) -> tuple[float, ...]:
        """Return about so many round numbers within the scale.

        >>> Scale(0.87, 0.96, 0, 100).ticks()
        (0.88, 0.9, 0.92, 0.94, 0.96)
        >>> Scale(2e6, 3e8, 0, 100, log=True).ticks()
        (3000000.0, 10000000.0, 30000000.0, 100000000.0, 300000000.0)
        """
        return self._powers() if self.log else self._steps(wanted)

    def _steps(self, wanted: int) -> tuple[float, ...]:
        raw = (self.high - self.low) / wanted
        power = 10.0 ** math.floor(math.log10(raw))
        step = min((power * k for k in (1, 2, 5, 10)), key=lambda s: abs(math.log(s / raw)))
        first, last = math.ceil(self.low / step - 1e-9), math.floor(self.high / step + 1e-9)
        digits = max(0, -math.floor(math.log10(step)))
        return tuple(round(k * step, digits) for k in range(first, last + 1))

    def _powers(self) -> tuple[float, ...]:
        first, last = math.floor(math.log10(self.low)), math.ceil(math.log10(self.high))
        for factors in ((1,), (1, 3), (1, 2, 5)):
            found = tuple(
                f * 10.0**k
                for k in range(first, last + 1)
                for f in factors
                if self.low <= f * 10.0**k <= self.high
            )
            if len(found) >= 3:
                return found
        return found


def padded_shares(values: list[float], share: float = 0.06) -> tuple[float, float]:
    """Return ends a little beyond the finite values, within 0 and 1.

    >>> padded_shares([0.5, 0.98], 0.25)
    (0.38, 1.0)
    """
    low, high = padded(values, share)
    return max(0.0, low), min(1.0, high)


def padded(values: list[float], share: float = 0.06) -> tuple[float, float]:
    """Return ends a little beyond the finite values, never equal.

    >>> padded([0.5, 0.9], 0.25)
    (0.4, 1.0)
    """
    finite = [value for value in values if math.isfinite(value)]
    low, high = min(finite), max(finite)
    margin = (high - low) * share or abs(high) * share or 1.0
    return low - margin, high + margin
