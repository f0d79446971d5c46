"""Which channels stand where after an operation that only moves them, worked out by hand.

That a cut network computes what the masked one does shows nothing of a channel that surgery lost
sight of: its layer would be refused, and nothing cut. So here it is said what can be cut.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from pruning.surgery import UnitGroup, analyse

HIGH, WIDE = 4, 6
SHAPE = (2, HIGH, WIDE)
ALL = list(range(8))
SHUFFLED = [0, 0, 1, 1, 2, 2, 3, 3]  # the halves 0 to 3 and 0 to 3 alternate

Move = Callable[..., Tensor]


class Moved(nn.Module):
    """Layers of eight channels each, what a test does with them, a layer that reads the result."""

    def __init__(self, makers: int, move: Move, reader: nn.Module) -> None:
        super().__init__()
        self.makers = nn.ModuleList(nn.Conv2d(2, 8, 1) for _ in range(makers))
        self.move, self.reader = move, reader
        self.head = nn.Linear(3, 2)

    def forward(self, x: Tensor) -> Tensor:
        y = self.reader(self.move(*(maker(x).relu() for maker in self.makers))).relu()
        return self.head(y.mean((2, 3)) if y.ndim > 2 else y)


def _conv(channels: int = 8) -> nn.Module:
    return nn.Conv2d(channels, 3, 1)


def _group(network: nn.Module, shape: tuple[int, ...], name: str) -> UnitGroup:
    return next(group for group in analyse(network, shape).groups if group.name == name)


ONE: dict[str, tuple[Move, Callable[[], nn.Module], list[int]]] = {
    "shuffled": (lambda x: F.channel_shuffle(x, 2), _conv, SHUFFLED),
    "shuffled by hand": (
        lambda x: x.unflatten(1, (2, -1)).transpose(1, 2).flatten(1, 2), _conv, SHUFFLED,
    ),
    "flattened": (
        lambda x: x.flatten(1), lambda: nn.Linear(8 * HIGH * WIDE, 3),
        [unit for unit in ALL for _ in range(HIGH * WIDE)],
    ),
    "spread over positions": (
        lambda x: x.mean((2, 3), keepdim=True).expand(-1, -1, HIGH, WIDE), _conv, ALL,
    ),
    "joined with nothing": (lambda x: torch.cat([x], 2), _conv, ALL),
    "split into one part": (lambda x: x.chunk(1, 1)[0], _conv, ALL),
    "split into halves": (
        lambda x: torch.cat(x.chunk(2, 1)[::-1], 1), _conv, [0, 1, 2, 3, 0, 1, 2, 3],
    ),
    "padded": (
        lambda x: F.pad(x, (0, 0, 0, 0, 2, 1)), lambda: _conv(11), [-1, -1, *ALL, -1],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", ONE)
def test_units_are_where_the_operation_puts_them(
    name: str, assert_surgery_holds: Callable[..., object]
) -> None:
    move, reader, owner = ONE[name]
    group = _group(Moved(1, move, reader()), SHAPE, "makers.0")
    assert group.size == max(owner) + 1
    assert group.owner("reader", "in").tolist() == owner
    assert_surgery_holds(lambda: Moved(1, move, reader()), SHAPE)


TWO: dict[str, Move] = {
    "one above the other": lambda a, b: torch.cat([a, b], 2),
    "on an axis of their own": lambda a, b: torch.stack([a, b], 2).flatten(2, 3),
}


@pytest.mark.parametrize("name", TWO)
def test_what_stands_side_by_side_in_one_channel_is_one_unit(name: str) -> None:
    group = _group(Moved(2, TWO[name], _conv()), SHAPE, "makers.0")
    assert (group.producers, group.size) == (("makers.0", "makers.1"), 8)
    assert group.owner("reader", "in").tolist() == ALL


class Features(nn.Module):
    """Two numbers of a sample, side by side on an axis of their own."""

    def __init__(self) -> None:
        super().__init__()
        self.one, self.two = nn.Linear(5, 1), nn.Linear(5, 1)
        self.hidden, self.head = nn.Linear(2, 4), nn.Linear(4, 2)

    def forward(self, x: Tensor) -> Tensor:
        both = torch.stack([self.one(x).squeeze(1), self.two(x).squeeze(1)], 1)
        return self.head(self.hidden(both).relu())


def test_stacked_single_units_are_a_unit_each() -> None:
    owners = {
        group.name: group.owner("hidden", "in").tolist()
        for group in analyse(Features(), (5,)).groups
        if group.name != "hidden"
    }
    assert owners == {"one": [0, -1], "two": [-1, 0]}


def test_channels_repeated_at_their_edge_are_refused() -> None:
    """The tenth is the first again: without the first, the second would take its place."""
    network = Moved(
        1,
        lambda x: F.pad(x.flatten(2).mT, (1, 1), mode="circular").mT.unflatten(2, (HIGH, WIDE)),
        _conv(10),
    )
    refused = {refusal.layer: refusal for refusal in analyse(network, SHAPE).refusals}
    assert (refused["makers.0"].operation, refused["makers.0"].channels) == ("pad", 8)


POOLS: dict[str, tuple[int, Move]] = {
    "max": (1, lambda x: F.max_pool1d(x, 2)),
    "mean": (1, lambda x: F.avg_pool1d(x, 2)),
    "adaptive max": (1, lambda x: F.adaptive_max_pool1d(x, 2)),
    "adaptive mean": (1, lambda x: F.adaptive_avg_pool1d(x, 2)),
    "max and where, on a line": (1, lambda x: F.max_pool1d(x, 2, return_indices=True)[0]),
    "max and where": (2, lambda x: F.max_pool2d(x, 2, return_indices=True)[0]),
    "max and where, in space": (3, lambda x: F.max_pool3d(x, 2, return_indices=True)[0]),
}


@pytest.mark.parametrize("name", POOLS)
def test_pooling_leaves_channels_where_they_are(name: str) -> None:
    axes, pool = POOLS[name]
    conv = (nn.Conv1d, nn.Conv2d, nn.Conv3d)[axes - 1]

    class Pooled(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.second = conv(2, 8, 1), conv(8, 3, 1)
            self.head = nn.Linear(3, 2)

        def forward(self, x: Tensor) -> Tensor:
            return self.head(self.second(pool(self.first(x))).flatten(2).mean(2))

    group = _group(Pooled(), (2, *(4,) * axes), "first")
    assert group.owner("second", "in").tolist() == ALL


def test_a_mean_over_two_channels_is_over_channels() -> None:
    class Centred(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.second, self.head = nn.Linear(3, 2), nn.Linear(2, 4), nn.Linear(4, 2)

        def forward(self, x: Tensor) -> Tensor:
            x = self.first(x)
            return self.head(self.second(x - x.mean(1, keepdim=True)).relu())

    analysis = analyse(Centred(), (3,))
    assert [group.name for group in analysis.groups] == ["second"]
    assert [str(refusal) for refusal in analysis.refusals] == [
        "first: 2 channels stay because of mean"
    ]
