"""Which device a build trains on, and on how many threads."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from pruning.core.errors import RequestError


def resolve_device(asked: str) -> str:
    """Return ``cpu`` or ``cuda``; ``auto`` takes CUDA where there is one."""
    if asked == "cuda" and not torch.cuda.is_available():
        raise RequestError("`device` 'cuda': no CUDA device is here; allowed cpu, auto")
    if asked == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    return asked


@contextmanager
def threads(count: int) -> Iterator[None]:
    """Give PyTorch so many processor threads, and afterwards what it had."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)
