"""What computes, by name."""

from __future__ import annotations

import contextlib
import os
import platform
import socket
from pathlib import Path


def processor_name() -> str:
    """Return what the processor is called, or else its kind."""
    name = platform.processor() or platform.machine()
    with contextlib.suppress(OSError, IndexError):
        known = Path("/proc/cpuinfo").read_text(encoding="utf-8")
        name = known.split("model name")[1].split(":", 1)[1].splitlines()[0].strip()
    return name


def device_name(device: str) -> str:
    """Return what a device of PyTorch is called: the card of ``"cuda:1"``, or the processor."""
    import torch

    if torch.device(device).type == "cuda":
        return torch.cuda.get_device_name(device)
    return processor_name()


def vector_units() -> str:
    """Return what a processor's vectors are computed with, in PyTorch's words: ``"AVX512"``, ….

    Where it differs, sums are taken in another order, and the last bits may differ.
    """
    import torch

    return torch.backends.cpu.get_cpu_capability()


def worker_name() -> str:
    """Return what a worker is called: its host and process."""
    return f"{socket.gethostname()}:{os.getpid()}"
