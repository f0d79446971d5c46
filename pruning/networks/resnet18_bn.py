"""ResNet18 with batch norm for 32×32 images (He et al. 2016, table 1)."""

from __future__ import annotations

from torch import nn

from pruning.networks.architecture import NETWORKS, checked_widths
from pruning.networks.resnet_cifar import residual


@NETWORKS.register("resnet18-bn")
def resnet18_bn(
    num_classes: int,
    input_shape: tuple[int, ...],
    widths: tuple[int, ...] = (64, 128, 256, 512),
) -> nn.Module:
    """Return C, four stages of two basic blocks, FC: 11.2 million parameters, 20 convolutions.

    For small images the stem is one 3×3 convolution without a pool, in place of 7×7 with
    stride 2 and a pool; shortcuts that change shape are 1×1 convolutions with batch norm.
    """
    stages = checked_widths("resnet18-bn", widths, 4)
    return residual(num_classes, input_shape, stages, name="resnet18-bn", blocks=2)
