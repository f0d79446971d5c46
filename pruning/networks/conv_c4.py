"""Model C as published in code: a pool after each convolution (Tan & Motani 2020)."""

from __future__ import annotations

from torch import nn

from pruning.networks.architecture import NETWORKS, checked_widths
from pruning.networks.plain_conv import plain_conv


@NETWORKS.register("conv-c4")
def conv_c4(
    num_classes: int,
    input_shape: tuple[int, ...],
    widths: tuple[int, ...] = (64, 64, 128, 128, 256),
) -> nn.Module:
    """Return (C64 pool)×2 (C128 pool)×2 FC256 (never pruned) FC``num_classes``."""
    *filters, dense = checked_widths("conv-c4", widths, 5)
    return plain_conv(
        "conv-c4", num_classes, input_shape,
        filters=filters, pool_after=frozenset({1, 2, 3, 4}), dense=dense,
    )  # fmt: skip
