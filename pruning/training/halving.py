"""What is said and done where a population does not fit into a device's memory."""

from __future__ import annotations

import gc
import warnings
from collections.abc import Callable

import torch

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


def give_memory_back() -> None:
    """Let go of all that an engine held which ran out of memory.

    Its parts refer to each other, and cuBLAS keeps 32 MiB for each stream that was ever used.
    """
    gc.collect()
    getattr(torch._C, "_cuda_clearCublasWorkspaces", lambda: None)()
    torch.cuda.empty_cache()
