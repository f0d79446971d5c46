"""Networks of any kind, one step after the other, with the products of training in bfloat16.

Convolutions and matrix products read bfloat16 copies of the float32 weights (Micikevicius
et al. 2018, whose loss scaling bfloat16's range does without); weights, loss, optimizer and
evaluation stay float32.
"""

from __future__ import annotations

import torch
from torch import nn

from pruning.training.engines.engine import ENGINES
from pruning.training.engines.loop import Loop


@ENGINES.register("loop-bf16")
class LoopBf16(Loop):
    """G networks of any kind on a processor with units for bfloat16; trained in place."""

    summary = "one network after the other, products in bfloat16"
    bf16 = True

    @classmethod
    def obstacle(cls, network: nn.Module, device: str) -> str | None:
        """Return that the processor has no units for bfloat16, where it has none."""
        if has_bf16_units(device):
            return None
        processor = "GPU" if device == "cuda" else "processor"
        return f"needs units for bfloat16 (AVX-512 BF16 or AMX), which this {processor} lacks"

    @classmethod
    def auto_rank(cls, network: nn.Module, device: str) -> int | None:
        """Return 1 for a convolutional network: a small product gains nothing from bfloat16."""
        return 1 if any(p.ndim == 4 for p in network.parameters()) else None


def has_bf16_units(device: str) -> bool:
    """Whether bfloat16 products are faster than float32's here, not merely possible."""
    if device == "cuda":
        return torch.cuda.is_available() and torch.cuda.get_device_capability()[0] >= 8
    questions = ("_is_avx512_bf16_supported", "_is_amx_tile_supported")
    return any(getattr(torch.cpu, question, bool)() for question in questions)
