"""conv-c4 and resnet20 in plain PyTorch, as anyone would write them; nothing of ours is imported.

`tests/benchmarks/test_plain_networks.py` holds them to the outputs of our own.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812


def conv_c4(classes: int) -> nn.Module:
    """Return (C64 pool)×2 (C128 pool)×2 FC256 for 32×32 photos (Tan & Motani 2020, as coded)."""
    layers: list[nn.Module] = []
    channels = 3
    for width in (64, 64, 128, 128):
        layers += [nn.Conv2d(channels, width, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)]
        channels = width
    layers += [nn.Flatten(), nn.Linear(512, 256), nn.ReLU(), nn.Linear(256, classes)]
    network = nn.Sequential(*layers)
    for layer in network:
        if isinstance(layer, nn.Conv2d | nn.Linear):
            nn.init.xavier_uniform_(layer.weight)
            nn.init.zeros_(layer.bias)  # type: ignore[arg-type]
    return network


class Block(nn.Module):
    """Two convolutions around a shortcut."""

    def __init__(self, channels: int, width: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, width, 3, stride, 1, bias=False)
        self.norm1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, 1, 1, bias=False)
        self.norm2 = nn.BatchNorm2d(width)
        self.shortcut = nn.Sequential()
        if stride != 1 or channels != width:
            self.shortcut = nn.Sequential(
                nn.Conv2d(channels, width, 1, stride, bias=False), nn.BatchNorm2d(width)
            )

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, channels, H, W) to (B, width, H / stride, W / stride)."""
        inner = self.norm2(self.conv2(F.relu(self.norm1(self.conv1(x)))))
        return F.relu(inner + self.shortcut(x))


def resnet20(classes: int) -> nn.Module:
    """Return the residual network of 20 layers for 32×32 photos (He et al. 2016, 4.2)."""
    layers: list[nn.Module] = [
        nn.Conv2d(3, 16, 3, padding=1, bias=False), nn.BatchNorm2d(16), nn.ReLU()
    ]  # fmt: skip
    channels = 16
    for width in (16, 32, 64):
        for i in range(3):
            layers.append(Block(channels, width, 2 if width > 16 and i == 0 else 1))
            channels = width
    layers += [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, classes)]
    network = nn.Sequential(*layers)
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
    return network


NETWORKS = {"conv-c4": conv_c4, "resnet20": resnet20}


def made(arch: str, classes: int, seed: int) -> nn.Module:
    """Return a network drawn by a seed."""
    torch.manual_seed(seed)
    return NETWORKS[arch](classes)
