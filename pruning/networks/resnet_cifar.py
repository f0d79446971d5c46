"""The residual networks for 32×32 images: ResNet20, 32, 44 and 56 (He et al. 2016, 4.2)."""

from __future__ import annotations

import functools
from collections import OrderedDict

from torch import Tensor, nn

from pruning.core.errors import RequestError
from pruning.networks.architecture import NETWORKS, checked_widths, he_


class BasicBlock(nn.Module):
    """Two 3×3 convolutions with batch norm, a sum, ReLU.

    Where shapes change the shortcut is a 1×1 convolution with batch norm (option B), so
    that every channel can be pruned; the paper's option A pads with zeros.
    """

    def __init__(self, channels: int, width: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, width, 3, stride, padding=1, bias=False)
        self.norm1 = nn.BatchNorm2d(width)
        self.relu1 = nn.ReLU()
        self.conv2 = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.norm2 = nn.BatchNorm2d(width)
        self.shortcut = nn.Sequential()
        if stride != 1 or channels != width:
            self.shortcut.append(nn.Conv2d(channels, width, 1, stride, bias=False))
            self.shortcut.append(nn.BatchNorm2d(width))
        self.relu2 = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, channels, H, W) to (B, width, H / stride, W / stride)."""
        out: Tensor = self.relu1(self.norm1(self.conv1(x)))
        out = self.norm2(self.conv2(out)) + self.shortcut(x)
        return self.relu2(out)  # type: ignore[no-any-return]


def residual(
    num_classes: int,
    input_shape: tuple[int, ...],
    widths: tuple[int, ...],
    *,
    name: str,
    blocks: int,
) -> nn.Module:
    """Return a convolution, a stage of so many `blocks` for each of the `widths`, FC.

    Every stage but the first halves height and width.
    """
    smallest = 2 ** (len(widths) - 1)
    if len(input_shape) != 3 or min(input_shape[1:]) < smallest:
        raise RequestError(
            f"{name} needs images of at least {smallest}×{smallest}, got samples of shape "
            f"{input_shape}; choose another architecture"
        )
    layers: OrderedDict[str, nn.Module] = OrderedDict()
    layers["conv1"] = nn.Conv2d(input_shape[0], widths[0], 3, padding=1, bias=False)
    layers["norm1"] = nn.BatchNorm2d(widths[0])
    layers["relu1"] = nn.ReLU()
    channels = widths[0]
    for i, width in enumerate(widths, start=1):
        stage = nn.Sequential()
        for block in range(blocks):
            stage.append(BasicBlock(channels, width, stride=2 if i > 1 and block == 0 else 1))
            channels = width
        layers[f"stage{i}"] = stage
    layers["average"] = nn.AdaptiveAvgPool2d(1)
    layers["flatten"] = nn.Flatten()
    layers["output"] = nn.Linear(channels, num_classes)
    return he_(nn.Sequential(layers))


def resnet_cifar(
    num_classes: int,
    input_shape: tuple[int, ...],
    widths: tuple[int, ...] = (16, 32, 64),
    *,
    depth: int,
) -> nn.Module:
    """Return a ResNet of 6n + 2 layers: a convolution, three stages of n blocks, FC."""
    name = f"resnet{depth}"
    stages = checked_widths(name, widths, 3)
    return residual(num_classes, input_shape, stages, name=name, blocks=(depth - 2) // 6)


NETWORKS.register("resnet20")(functools.partial(resnet_cifar, depth=20))
NETWORKS.register("resnet32")(functools.partial(resnet_cifar, depth=32))
NETWORKS.register("resnet44")(functools.partial(resnet_cifar, depth=44))
NETWORKS.register("resnet56")(functools.partial(resnet_cifar, depth=56))
