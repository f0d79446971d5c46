"""What is said where a population does not fit into a device's memory."""

from __future__ import annotations

import warnings
from collections.abc import Callable

HalvedHook = Callable[[int, int], None]
"""Called with how many networks were too many at once, and how many go on."""


def halved_text(networks: int, half: int) -> str:
    """Return in a line what has happened."""
    return (
        f"{networks} networks at once are too many for the device's memory: going on with "
        f"{half}; equal bytes are no longer promised"
    )


def warn_halved(networks: int, half: int) -> None:
    """Warn the caller of `pruning.training.train`."""
    warnings.warn(halved_text(networks, half), stacklevel=3)
