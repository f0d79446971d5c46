"""Model B: two convolutions of 64 (Tan & Motani 2020, section 5)."""

from __future__ import annotations

from torch import nn

from pruning.networks.architecture import NETWORKS, checked_widths
from pruning.networks.plain_conv import plain_conv


@NETWORKS.register("conv-b")
def conv_b(
    num_classes: int, input_shape: tuple[int, ...], widths: tuple[int, ...] = (64, 64)
) -> nn.Module:
    """Return C64, pool, C64, pool, FC``num_classes``."""
    filters = checked_widths("conv-b", widths, 2)
    return plain_conv(
        "conv-b", num_classes, input_shape,
        filters=filters, pool_after=frozenset({1, 2}), dense=None,
    )  # fmt: skip
