"""Reading values out of JSON that somebody else wrote: each checked, each error one line."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from pruning.core.errors import RequestError

LONGEST_TEXT = 10_000


@dataclass(frozen=True)
class Fields:
    """One JSON object, and where it stands, for messages.

    >>> Fields("ensemble.json", {"flops": -1}).whole("flops", 0, 9)
    Traceback (most recent call last):
        ...
    pruning.core.errors.RequestError: ensemble.json: flops is -1; expected a whole ...
    """

    source: str
    values: Mapping[str, object]
    path: str = ""

    def whole(self, key: str, low: int, high: int) -> int:
        """Return a whole number in low..high."""
        return self._whole(self._get(key), key, low, high)

    def number(self, key: str, low: float, high: float) -> float:
        """Return a finite number in low..high."""
        return self._number(self._get(key), key, low, high)

    def text(self, key: str, longest: int = LONGEST_TEXT) -> str:
        """Return a text of at most `longest` characters."""
        value = self._get(key)
        if not isinstance(value, str) or len(value) > longest:
            raise self.error(key, f"a text of at most {longest} characters")
        return value

    def wholes(self, key: str, low: int, high: int, most: int) -> tuple[int, ...]:
        """Return a list of at most `most` whole numbers in low..high."""
        return tuple(self._whole(v, key, low, high) for v in self.items(key, most))

    def numbers(self, key: str, low: float, high: float, most: int) -> tuple[float, ...]:
        """Return a list of at most `most` finite numbers in low..high."""
        return tuple(self._number(v, key, low, high) for v in self.items(key, most))

    def items(self, key: str, most: int) -> list[object]:
        """Return a list of 1 to `most` entries."""
        value = self._get(key)
        if not isinstance(value, list) or not 1 <= len(value) <= most:
            raise self.error(key, f"a list of 1 to {most} entries")
        return value

    def inner(self, key: str) -> Fields:
        """Return the object under `key`."""
        value = self._get(key)
        if not isinstance(value, dict):
            raise self.error(key, "an object")
        return Fields(self.source, value, f"{self.path}{key}.")

    def optional(self, key: str) -> Fields | None:
        """Return the object under `key`, or None where it is null or absent."""
        return None if self.values.get(key) is None else self.inner(key)

    def each(self, key: str, most: int) -> Iterator[Fields]:
        """Yield the objects of a list of 1 to `most` of them."""
        for i, value in enumerate(self.items(key, most)):
            if not isinstance(value, dict):
                raise self.error(key, "a list of objects")
            yield Fields(self.source, value, f"{self.path}{key}[{i}].")

    def error(self, key: str, expected: str) -> RequestError:
        """Return the error that what stands under `key` is not what was expected."""
        shown = repr(self.values.get(key))
        shown = shown if len(shown) <= 80 else f"{shown[:80]}…"
        return RequestError(f"{self.source}: {self.path}{key} is {shown}; expected {expected}")

    def _get(self, key: str) -> object:
        if key not in self.values:
            raise RequestError(f"{self.source}: {self.path}{key} is missing")
        return self.values[key]

    def _whole(self, value: object, key: str, low: int, high: int) -> int:
        if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
            raise self.error(key, f"a whole number from {low} to {high}")
        return value

    def _number(self, value: object, key: str, low: float, high: float) -> float:
        if isinstance(value, int | float) and not isinstance(value, bool) and low <= value <= high:
            return float(value)
        raise self.error(key, f"a number from {low:g} to {high:g}")
