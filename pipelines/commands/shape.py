"""The shape of one sample, as the command line spells it."""

from __future__ import annotations

from pruning.core.errors import RequestError


def read_shape(text: str) -> tuple[int, ...]:
    """Return the sizes of a sample.

    >>> read_shape("3x64x64"), read_shape("20")
    ((3, 64, 64), (20,))

    Raises
    ------
    RequestError
        If it is anything but positive whole numbers joined by x.
    """
    parts = text.lower().replace("×", "x").split("x")
    if not all(part.isdecimal() and int(part) > 0 for part in parts):
        raise RequestError(f"`shape` {text} must be sizes joined by x, such as 3x64x64")
    return tuple(map(int, parts))
