"""Frozen dataclasses that hold arrays, made comparable and hashable.

What ``@dataclass`` itself writes fails on arrays: ``==`` gives an array where a truth value is
needed, and arrays have no hash.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import fields
from typing import Any

import numpy as np
from numpy.typing import NDArray


class ArrayValue:
    """Gives a dataclass with ``eq=False`` equality by value and a hash.

    Two values are equal when they are of one class and all their fields are: arrays by shape
    and numbers (NaN equals NaN), the rest by ``==``. The hash reads shapes rather than
    numbers, so that large arrays cost nothing.

    >>> from dataclasses import dataclass
    >>> @dataclass(frozen=True, eq=False)
    ... class Row(ArrayValue):
    ...     values: NDArray[np.float64]
    >>> Row(np.arange(3.0)) == Row(np.arange(3.0)), Row(np.arange(3.0)) == Row(np.zeros(3))
    (True, False)
    >>> len({Row(np.zeros(2)), Row(np.zeros(2))})
    1
    """

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, ArrayValue) or other.__class__ is not self.__class__:
            return NotImplemented
        return all(map(_same, self._held(), other._held()))

    def __hash__(self) -> int:
        return hash((self.__class__, *map(_outline, self._held())))

    def _held(self) -> list[Any]:
        return [getattr(self, field.name) for field in fields(self) if field.compare]  # type: ignore[arg-type]


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, np.ndarray) or isinstance(other, np.ndarray):
        return isinstance(one, np.ndarray) and isinstance(other, np.ndarray) and _alike(one, other)
    if isinstance(one, tuple | list) and type(one) is type(other):
        return len(one) == len(other) and all(map(_same, one, other))
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return one.keys() == other.keys() and all(_same(one[key], other[key]) for key in one)
    return bool(one == other)


def _alike(one: NDArray[Any], other: NDArray[Any]) -> bool:
    if one.dtype.names != other.dtype.names or one.shape != other.shape:
        return False
    if one.dtype.names:
        return all(_alike(one[name], other[name]) for name in one.dtype.names)
    floats = one.dtype.kind in "fc" and other.dtype.kind in "fc"
    return bool(np.array_equal(one, other, equal_nan=floats))


def _outline(value: Any) -> Hashable:
    """Return something hashable that equal values share."""
    outline: Hashable = type(value).__name__
    if isinstance(value, np.ndarray):
        outline = value.shape
    elif isinstance(value, tuple | list):
        outline = tuple(map(_outline, value))
    elif isinstance(value, Mapping):
        outline = frozenset(value)
    elif isinstance(value, Hashable):
        outline = value
    return outline
