"""How calls are timed; standard library only, so that who measures loads nothing else."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable


def median_seconds(call: Callable[[int], object], *, calls: int, seconds: float) -> float:
    """Return the median time of a call, made at least so often and for so long.

    Parameters
    ----------
    call
        Given how many calls there were before.
    calls
        How many there are at least, 1 or more.
    seconds
        Calls go on until they have taken this long together.
    """
    times: list[float] = []
    while len(times) < calls or sum(times) < seconds:
        begun = time.perf_counter()
        call(len(times))
        times.append(time.perf_counter() - begun)
    return statistics.median(times)
