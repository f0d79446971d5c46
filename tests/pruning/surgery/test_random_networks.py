"""The property test: whatever the network, small = masked."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest
import torch
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812


class Residual(nn.Module):
    def __init__(self, width: int, draw: random.Random) -> None:
        super().__init__()
        middle = draw.choice([3, 4, 6])
        self.conv1 = nn.Conv2d(width, middle, 3, padding=1, bias=draw.random() < 0.5)
        self.norm = draw.choice([nn.BatchNorm2d, lambda n: nn.Identity()])(middle)
        self.act = draw.choice([nn.ReLU(inplace=True), nn.SiLU(), nn.PReLU(middle), nn.Tanh()])
        self.conv2 = nn.Conv2d(middle, width, 1)
        self.twice = draw.random() < 0.5

    def forward(self, x: Tensor) -> Tensor:
        y = self.conv2(self.act(self.norm(self.conv1(x)))) + x
        return self.act(y) if self.twice and not isinstance(self.act, nn.PReLU) else F.relu(y)


class Concatenate(nn.Module):
    def __init__(self, width: int, draw: random.Random) -> None:
        super().__init__()
        self.left = nn.Conv2d(width, draw.choice([2, 5]), 1)
        self.right = nn.Conv2d(width, draw.choice([3, 4]), 3, padding=1)
        self.with_input = draw.random() < 0.5
        extra = width if self.with_input else 0
        joined = self.left.out_channels + self.right.out_channels + extra
        self.norm = nn.BatchNorm2d(joined)
        self.out = nn.Conv2d(joined, width, 1)

    def forward(self, x: Tensor) -> Tensor:
        parts = [self.left(x), F.relu6(self.right(x))] + ([x] if self.with_input else [])
        return self.out(torch.relu(self.norm(torch.cat(parts, 1))))


class Depthwise(nn.Module):
    def __init__(self, width: int, draw: random.Random) -> None:
        super().__init__()
        times = draw.choice([1, 2])
        self.wide = nn.Conv2d(width, 6, 1)
        self.depth = nn.Conv2d(6, 6 * times, 3, padding=1, groups=6)
        self.norm = nn.BatchNorm2d(6 * times)
        self.gate = nn.Sequential(
            nn.AdaptiveAvgPool2d(1),
            nn.Conv2d(6 * times, 3, 1),
            nn.ReLU(),
            nn.Conv2d(3, 6 * times, 1),
            nn.Hardsigmoid(),
        )
        self.narrow = nn.Conv2d(6 * times, width, 1)

    def forward(self, x: Tensor) -> Tensor:
        y = F.hardswish(self.norm(self.depth(self.wide(x))))
        return self.narrow(y * self.gate(y))


class Grouped(nn.Module):
    def __init__(self, width: int, draw: random.Random) -> None:
        super().__init__()
        self.wide = nn.Conv2d(width, 8, 1)
        self.paths = nn.Conv2d(8, 8 * draw.choice([1, 2]), 3, padding=1, groups=draw.choice([2, 4]))
        self.narrow = nn.Conv2d(self.paths.out_channels, width, 1)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.narrow(F.gelu(self.paths(self.wide(x).relu())))


class ShuffledHalves(nn.Module):
    def __init__(self, width: int, draw: random.Random) -> None:
        super().__init__()
        self.wide = nn.Conv2d(width, 8, 1)
        self.left, self.right = nn.Conv2d(4, 4, 1), nn.Conv2d(4, 4, 1)
        self.native = draw.random() < 0.5
        self.narrow = nn.Conv2d(8, width, 1)

    def forward(self, x: Tensor) -> Tensor:
        a, b = self.wide(x).chunk(2, dim=1)
        y = torch.cat([self.left(a), self.right(b).relu()], 1)
        if self.native:
            return self.narrow(F.channel_shuffle(y, 2))
        n, c, h, w = y.shape
        return self.narrow(y.view(n, 2, c // 2, h, w).transpose(1, 2).reshape(n, c, h, w))


class PaddedShortcut(nn.Module):
    """He et al.'s shortcut without weights: the new channels are zeros."""

    def __init__(self, width: int, draw: random.Random) -> None:
        super().__init__()
        self.conv = nn.Conv2d(width, width + 4, 3, padding=1)
        self.norm = nn.BatchNorm2d(width + 4)
        self.narrow = nn.Conv2d(width + 4, width, 1)

    def forward(self, x: Tensor) -> Tensor:
        y = self.norm(self.conv(x)) + F.pad(x, (0, 0, 0, 0, 2, 2))
        return self.narrow(F.relu(y))


BLOCKS = (Residual, Concatenate, Depthwise, Grouped, ShuffledHalves, PaddedShortcut)


class RandomNetwork(nn.Module):
    """A stem, some blocks, and a head that flattens, pools or averages."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        draw = random.Random(seed)
        width = draw.choice([4, 6])
        self.stem = nn.Conv2d(2, width, 3, padding=1)
        kinds = draw.choices(BLOCKS, k=draw.randint(1, 4))
        self.blocks = nn.Sequential(*(kind(width, draw) for kind in kinds))
        self.head = draw.choice(["flatten", "global", "mean", "pool"])
        positions = {"flatten": 64, "global": 1, "mean": 1, "pool": 4}[self.head]
        self.hidden = nn.Linear(width * positions, draw.choice([5, 9]))
        self.norm = nn.BatchNorm1d(self.hidden.out_features)
        self.dropout = nn.Dropout(0.3)
        self.output = nn.Linear(self.hidden.out_features, draw.choice([2, 3, 10]))

    def forward(self, x: Tensor) -> Tensor:
        x = self.blocks(F.relu(self.stem(x)))
        if self.head == "global":
            x = F.adaptive_avg_pool2d(x, 1)
        elif self.head == "mean":
            x = x.mean((2, 3))
        elif self.head == "pool":
            x = F.adaptive_max_pool2d(F.max_pool2d(x, 2), 2)
        x = x.flatten(1) if self.head != "pool" else x.reshape(x.size(0), -1)
        return self.output(self.dropout(F.leaky_relu(self.norm(self.hidden(x)))))


@settings(
    max_examples=60, deadline=None, derandomize=True, phases=[Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)  # fmt: skip
@given(seed=st.integers(0, 10**6))
def test_a_random_network_shrinks_to_what_it_masks(
    seed: int, assert_surgery_holds: Callable[..., object]
) -> None:
    assert_surgery_holds(lambda: RandomNetwork(seed), (2, 8, 8), seed)


@pytest.mark.parametrize("block", BLOCKS)
def test_each_kind_of_block_is_prunable(
    block: type[nn.Module], assert_surgery_holds: Callable[..., object]
) -> None:
    def factory() -> nn.Module:
        draw = random.Random(1)
        stem, head = nn.Conv2d(2, 4, 3, padding=1), nn.Sequential(nn.Flatten(), nn.Linear(256, 3))
        return nn.Sequential(stem, nn.ReLU(), block(4, draw), head)

    analysis = assert_surgery_holds(factory, (2, 8, 8))
    inside = {p for g in analysis.groups for p in g.producers if p.startswith("2.")}  # type: ignore[attr-defined]
    assert inside, f"{block.__name__} has a layer that can be pruned"
