"""How many processor threads PyTorch has, which is the process's: one at a time changes it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import torch

_TURN = threading.RLock()
"""Held by who trains: how many threads PyTorch has is the process's, and sums depend on it."""


@contextmanager
def threads(count: int) -> Iterator[None]:
    """Give PyTorch so many processor threads, and afterwards what it had; others wait meanwhile."""
    with _TURN:
        before = torch.get_num_threads()
        torch.set_num_threads(count)
        try:
            yield
        finally:
            torch.set_num_threads(before)
