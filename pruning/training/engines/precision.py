"""What numbers the products of training read; weights, loss and optimizer are float32 always."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Literal

import torch

Precision = Literal["float32", "tf32", "bf16"]
"""``"tf32"`` rounds what a product reads to 10 bits of mantissa, ``"bf16"`` to 7.

Only CUDA knows tf32. PyTorch takes it for convolutions unless it is told not to, which
``"float32"`` does.
"""

BF16_FROM, TF32_FROM = (8, 0), (8, 0)
"""The compute capability (Ampere's) from which a card has units for bfloat16 and tf32."""


def obstacle_to(precision: Precision, device: str) -> str | None:
    """Return what of a precision ``"cpu"`` or ``"cuda"`` lacks; None if it has units for it."""
    if precision == "float32" or (precision == "bf16" and has_bf16_units(device)):
        return None
    if device != "cuda":
        if precision == "tf32":
            return "needs `device` 'cuda'"
        return "needs units for bfloat16 (AVX-512 BF16 or AMX), which this processor lacks"
    if not torch.cuda.is_available():
        return "needs a CUDA device, and none is here"
    if (found := torch.cuda.get_device_capability()) >= TF32_FROM:
        return None
    name = "bfloat16" if precision == "bf16" else precision
    return (
        f"needs units for {name} (compute capability 8.0 or newer), which this GPU lacks "
        f"({found[0]}.{found[1]})"
    )


def has_bf16_units(device: str) -> bool:
    """Whether bfloat16 products are faster than float32's here, not merely possible."""
    if device == "cuda":
        return torch.cuda.is_available() and torch.cuda.get_device_capability() >= BF16_FROM
    questions = ("_is_avx512_bf16_supported", "_is_amx_tile_supported")
    return any(getattr(torch.cpu, question, bool)() for question in questions)


@contextlib.contextmanager
def repeatable(precision: Precision | None = None) -> Iterator[None]:
    """Let CUDA take kernels that give the same bytes again, with products of this precision.

    A sum whose order is left to chance makes a member depend on what trains beside it; on an
    H100 conv-c was no slower without one. Where nothing but ``"float32"`` or ``"tf32"`` is asked,
    float32 products stay as PyTorch, or who uses it, has them.
    """
    convolutions, matrices = torch.backends.cudnn, torch.backends.cuda.matmul
    before = convolutions.deterministic, convolutions.allow_tf32, matrices.allow_tf32
    try:
        convolutions.deterministic = True
        if precision in ("float32", "tf32"):
            convolutions.allow_tf32 = matrices.allow_tf32 = precision == "tf32"
        yield
    finally:
        convolutions.deterministic, convolutions.allow_tf32, matrices.allow_tf32 = before
