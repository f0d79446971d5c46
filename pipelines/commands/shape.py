"""The shape of one sample and the number of classes, as the command line spells them."""

from __future__ import annotations

import math

from ensemble.description import MOST_CLASSES
from pruning.core.errors import RequestError

MOST = 2**24
"""Numbers of one sample: a coloured image of 2,000 pixels a side has fewer."""


def read_shape(text: str) -> tuple[int, ...]:
    """Return the sizes of a sample.

    >>> read_shape("3x64x64"), read_shape("20")
    ((3, 64, 64), (20,))

    Raises
    ------
    RequestError
        If it is anything but positive whole numbers joined by x, or of more than `MOST` numbers.
    """
    parts = text.lower().replace("×", "x").split("x")
    if not all(part.isdecimal() and len(part) < 20 and int(part) > 0 for part in parts):
        raise RequestError(f"`shape` {text} must be sizes joined by x, such as 3x64x64")
    sizes = tuple(map(int, parts))
    if math.prod(sizes) > MOST:
        raise RequestError(
            f"`shape` {text} holds {math.prod(sizes):,} numbers; allowed are {MOST:,} at most"
        )
    return sizes


def checked_classes(count: int) -> int:
    """Return how many classes there are, if an ensemble may have so many; else a RequestError."""
    if count > MOST_CLASSES:
        raise RequestError(f"`classes` {count:,}: allowed are {MOST_CLASSES:,} at most")
    return count
