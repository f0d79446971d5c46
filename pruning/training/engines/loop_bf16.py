"""Networks of any kind, one step after the other, with the products of training in bfloat16.

Convolutions and matrix products read bfloat16 copies of the float32 weights (Micikevicius
et al. 2018, whose loss scaling bfloat16's range does without); weights, loss, optimizer and
evaluation stay float32.
"""

from __future__ import annotations

from torch import nn

from pruning.training.engines.engine import ENGINES
from pruning.training.engines.loop import Loop
from pruning.training.engines.precision import obstacle_to


@ENGINES.register("loop-bf16")
class LoopBf16(Loop):
    """G networks of any kind on a processor with units for bfloat16; trained in place."""

    summary = "one network after the other, products in bfloat16"
    precision = "bf16"

    @classmethod
    def obstacle(cls, network: nn.Module, device: str) -> str | None:
        """Return that the processor has no units for bfloat16, where it has none."""
        return obstacle_to("bf16", device)

    @classmethod
    def auto_rank(cls, network: nn.Module, device: str, images: int) -> int | None:
        """Return 1 for a convolutional network: a small product gains nothing from bfloat16."""
        return 1 if convolutional(network) else None


def convolutional(network: nn.Module) -> bool:
    """Whether a network has convolutions of images."""
    return any(p.ndim == 4 for p in network.parameters())
