"""Matrix products of finite numbers, without a warning that means nothing."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def product(left: NDArray[Any], right: NDArray[Any]) -> NDArray[Any]:
    """Return ``left @ right`` of arrays whose values are finite.

    OpenBLAS's kernels read beyond a matrix's edge and set the processor's flag for an invalid
    operation by what they find there and throw away; NumPy then warns of a result in which all is
    right (numpy issue 24067), now and then, on some processors.

    >>> product(np.ones((2, 3)), np.ones((3, 1))).tolist()
    [[3.0], [3.0]]
    """
    with np.errstate(invalid="ignore"):
        found: NDArray[Any] = left @ right
    return found
