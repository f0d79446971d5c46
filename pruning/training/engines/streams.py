"""Networks of any kind on one CUDA device, each on a stream of its own, steps as graphs.

An epoch's samples are fetched, augmented and laid out in memory by a few large kernels. Each
member's whole step, from there to the optimizer, is recorded once a round and replayed; the
members' replays run side by side. Weights and loss stay float32.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import torch
from torch import Tensor, nn

from pruning.networks.weights import tensors_of
from pruning.surgery.padding import pad, unpadded
from pruning.training.device_data import DeviceData
from pruning.training.engines.engine import ENGINES, Evaluation
from pruning.training.engines.lane import REHEARSALS_AFTER
from pruning.training.engines.loop import Loop, evaluation
from pruning.training.engines.loop_bf16 import convolutional
from pruning.training.engines.precision import obstacle_to, repeatable
from pruning.training.engines.recorded import Recorded
from pruning.training.lesson import Lesson
from pruning.training.recipe import Rate, Recipe


class SideBySide(Loop):
    """G networks of any kind on CUDA; they are trained in place, unless an engine fills them up.

    Then copies are trained at widths that the card's units like: with units more that are zero,
    and stay so.
    """

    fills_up: ClassVar[bool] = False
    """Whether widths that can be pruned are filled up to what `tensor_core_width` says."""
    alike: ClassVar[bool] = False
    """Whether all are brought to the same widths."""

    def __init__(
        self,
        networks: Sequence[nn.Module],
        data: DeviceData,
        recipe: Recipe,
        lesson: Lesson | None = None,
    ) -> None:
        self._own = [tensors_of(network) for network in networks]
        if self.fills_up:
            shape = tuple(data.train_images.shape[1:])
            networks = pad(networks, shape, tensor_core_width, alike=self.alike)
        super().__init__(networks, data, recipe, lesson)
        steps = -(-len(data.train_labels) // self.members[0].batch_of(len(data.train_labels)))
        self._rates = torch.tensor(recipe.rates(0, steps), device=data.train_images.device)
        first, *others = self.members
        self.recorded = [
            Recorded(first, self._rates),
            *(Recorded(member, self._rates, REHEARSALS_AFTER) for member in others),
        ]

    @classmethod
    def obstacle(cls, network: nn.Module, device: str) -> str | None:
        """Return what is missing of a CUDA device with units for its products."""
        if device != "cuda":
            return "needs `device` 'cuda'"
        return obstacle_to(cls.precision, device)

    @classmethod
    def group_size(cls, device: str) -> int:
        """Return 20: side by side, so many small networks fill a GPU."""
        return 20

    def epoch(
        self, orders: Tensor, rates: Sequence[Rate], changes: Tensor | None = None
    ) -> list[float]:
        """Train one epoch, a step of each member in turn; return each member's mean loss."""
        samples = orders.shape[1]
        self._rates.copy_(torch.tensor(list(rates)))
        batches = [*self.members[0].batches(samples)]
        with repeatable(self.precision):
            for recorded in self.recorded:
                recorded.begin()
            for block in self.recorded[0].blocks(batches):
                held = slice(block[0].start, block[-1].stop)
                for row, recorded in enumerate(self.recorded):
                    drawn = None if changes is None else changes[row, held]
                    recorded.hold(orders[row, held], drawn)
                for part in block:
                    for recorded in self.recorded:
                        recorded.step(part.stop - part.start)
            totals = torch.stack([recorded.end() for recorded in self.recorded])
        return (totals / samples).tolist()

    def evaluate(self) -> Evaluation:
        """Return loss and accuracy on the validation part."""
        with repeatable("float32" if self.precision == "float32" else None):
            for recorded in self.recorded:
                recorded.validate()
            return evaluation([recorded.validated() for recorded in self.recorded])

    def weights(self, row: int) -> dict[str, Tensor]:
        """Return a copy of one member's state dict, without what its widths were filled up with."""
        return unpadded(super().weights(row), self._own[row])

    def narrow(self, rows: list[int]) -> None:
        """Go on with these members only."""
        super().narrow(rows)
        self.recorded = [self.recorded[row] for row in rows]
        self._own = [self._own[row] for row in rows]


@ENGINES.register("streams")
class Streams(SideBySide):
    """With products in bfloat16."""

    summary = "side by side, each network's step a captured graph, products in bfloat16"
    precision = "bf16"
    fills_up = True

    @classmethod
    def auto_rank(cls, network: nn.Module, device: str, images: int) -> int | None:
        """Return 4 for a convolutional network: a small product gains nothing from bfloat16."""
        return 4 if convolutional(network) else None


@ENGINES.register("streams-float32")
class StreamsFloat32(SideBySide):
    """With products in float32, whatever the card."""

    summary = "side by side, each network's step a captured graph, float32"
    precision = "float32"

    @classmethod
    def auto_rank(cls, network: nn.Module, device: str, images: int) -> int | None:
        """Return 3: what captured steps do for it needs no bfloat16."""
        return 3


@ENGINES.register("streams-tf32")
class StreamsTf32(SideBySide):
    """With float32 products whose inputs are rounded, as PyTorch's convolutions are by default."""

    summary = "side by side, each network's step a captured graph, products in tf32"
    precision = "tf32"

    @classmethod
    def auto_rank(cls, network: nn.Module, device: str, images: int) -> int | None:
        """Return None: it is taken only when asked for."""
        return None


def tensor_core_width(width: int) -> int:
    """Return the width at which tensor cores take the least time for so many channels.

    They read channels by eights, and work in tiles of 32 or 64. On an H100 two convolutions of
    32 and two of 64 channels took 0.79 of the time of 24 and 48, and 0.81 of that of 24 and 40;
    64 took less than 56, and 64 and 128 as much as 48 and 88; but 40 and 72 less than those.

    >>> [tensor_core_width(width) for width in (5, 17, 23, 34, 44, 52, 67, 83, 103, 128)]
    [8, 24, 32, 40, 64, 64, 72, 128, 128, 128]
    """
    tile, worth = (32, 1.8) if width <= 32 else (64, 1.8 if width <= 64 else 1.55)
    tiles = -(-width // tile) * tile
    return tiles if tiles <= worth * width else -(-width // 8) * 8
