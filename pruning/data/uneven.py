"""Which classes have few samples for their number."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

RARE_BELOW = 0.25
"""Of an even share: a class with less is rare."""


def rare_classes(counts: NDArray[np.integer[Any]]) -> list[int]:
    """Return the classes that have samples, but less than a quarter of an even share.

    Parameters
    ----------
    counts
        (C,) samples of each class.

    Returns
    -------
    list of int
        The rarest first.

    >>> rare_classes(np.array([195, 5])), rare_classes(np.array([120, 100, 30]))
    ([1], [])
    """
    rare = (counts > 0) & (counts < RARE_BELOW * counts.mean())
    return [int(c) for c in np.argsort(counts, kind="stable") if rare[c]]
