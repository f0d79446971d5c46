"""Which device a build trains on."""

from __future__ import annotations

import torch

from pruning.errors import RequestError


def resolve_device(asked: str) -> str:
    """Return ``cpu`` or ``cuda``; ``auto`` takes CUDA where there is one."""
    if asked == "cuda" and not torch.cuda.is_available():
        raise RequestError("--device cuda: no CUDA device is here; use --device cpu or auto")
    if asked == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    return asked
