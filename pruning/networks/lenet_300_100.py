"""LeNet-300-100: two fully connected layers (LeCun et al. 1998)."""

from __future__ import annotations

from torch import nn

from pruning.networks.architecture import NETWORKS, checked_widths
from pruning.networks.mlp_a import mlp_a


@NETWORKS.register("lenet-300-100")
def lenet_300_100(
    num_classes: int, input_shape: tuple[int, ...], widths: tuple[int, ...] = (300, 100)
) -> nn.Module:
    """Return FC300–FC100–FC``num_classes`` with ReLU."""
    return mlp_a(num_classes, input_shape, checked_widths("lenet-300-100", widths, 2))
