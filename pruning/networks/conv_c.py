"""Model C as the paper draws it: a pool after each pair (Tan & Motani 2020, section 5)."""

from __future__ import annotations

from torch import nn

from pruning.networks.architecture import NETWORKS, checked_widths
from pruning.networks.plain_conv import plain_conv


@NETWORKS.register("conv-c")
def conv_c(
    num_classes: int,
    input_shape: tuple[int, ...],
    widths: tuple[int, ...] = (64, 64, 128, 128, 256),
) -> nn.Module:
    """Return C64 C64 pool C128 C128 pool FC256 (never pruned) FC``num_classes``."""
    *filters, dense = checked_widths("conv-c", widths, 5)
    return plain_conv(
        "conv-c", num_classes, input_shape,
        filters=filters, pool_after=frozenset({2, 4}), dense=dense,
    )  # fmt: skip
