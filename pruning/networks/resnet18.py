"""ResNet18 as in the published code of Tan & Motani 2020: no batch norm."""

from __future__ import annotations

from collections import OrderedDict

from torch import Tensor, nn

from pruning.core.errors import RequestError
from pruning.networks.architecture import NETWORKS, checked_widths, glorot_


class PlainBlock(nn.Module):
    """Two 3×3 convolutions with ReLU and a sum; nothing follows the sum.

    With `project`, the shortcut is itself a 3×3 convolution with ReLU.
    """

    def __init__(self, channels: int, width: int, *, project: bool) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, width, 3, padding=1)
        self.relu1 = nn.ReLU()
        self.conv2 = nn.Conv2d(width, width, 3, padding=1)
        self.relu2 = nn.ReLU()
        self.shortcut = nn.Sequential()
        if project:
            self.shortcut.append(nn.Conv2d(channels, width, 3, padding=1))
            self.shortcut.append(nn.ReLU())

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, channels, H, W) to (B, width, H, W)."""
        out: Tensor = self.relu2(self.conv2(self.relu1(self.conv1(x))))
        passed: Tensor = self.shortcut(x)
        return out + passed


@NETWORKS.register("resnet18")
def resnet18(
    num_classes: int,
    input_shape: tuple[int, ...],
    widths: tuple[int, ...] = (64, 128, 256, 512),
) -> nn.Module:
    """Return C, pool, four stages of two blocks with a pool after the first three, FC.

    20 convolutions, 4,800 filters at the default stage `widths`.
    """
    if len(input_shape) != 3 or min(input_shape[1:]) < 16:
        raise RequestError(
            f"resnet18 needs images of at least 16×16, got samples of shape {input_shape}; "
            "choose another architecture, or larger images"
        )
    stages = checked_widths("resnet18", widths, 4)
    layers: OrderedDict[str, nn.Module] = OrderedDict()
    layers["conv1"] = nn.Conv2d(input_shape[0], stages[0], 3, padding=1)
    layers["relu1"] = nn.ReLU()
    layers["pool0"] = nn.MaxPool2d(2)
    channels = stages[0]
    for i, width in enumerate(stages, start=1):
        layers[f"stage{i}"] = nn.Sequential(
            PlainBlock(channels, width, project=i > 1), PlainBlock(width, width, project=False)
        )
        if i < len(stages):
            layers[f"pool{i}"] = nn.MaxPool2d(2)
        channels = width
    layers["average"] = nn.AdaptiveAvgPool2d(1)
    layers["flatten"] = nn.Flatten()
    layers["output"] = nn.Linear(channels, num_classes)
    return glorot_(nn.Sequential(layers))
