"""Networks of any kind, one step after the other, by PyTorch's own autograd."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import torch
from torch import Tensor, nn

from pruning.networks.weights import tensors_of
from pruning.training.device_data import DeviceData
from pruning.training.engines.engine import ENGINES, Engine, Evaluation
from pruning.training.engines.precision import Precision, repeatable
from pruning.training.engines.trainee import Trainee
from pruning.training.lesson import Lesson
from pruning.training.recipe import Rate, Recipe


@ENGINES.register("loop")
class Loop(Engine):
    """G networks of any kind; they are trained in place."""

    summary = "one network after the other, float32"

    precision: ClassVar[Precision] = "float32"
    """What the products of training read."""

    def __init__(
        self,
        networks: Sequence[nn.Module],
        data: DeviceData,
        recipe: Recipe,
        lesson: Lesson | None = None,
    ) -> None:
        self.members = [
            Trainee(network, data, recipe, self.precision, lesson and lesson.only([row]))
            for row, network in enumerate(networks)
        ]

    @classmethod
    def auto_rank(cls, network: nn.Module, device: str, images: int) -> int | None:
        """Return 0: it runs what nothing else runs better."""
        return 0

    def epoch(
        self, orders: Tensor, rates: Sequence[Rate], changes: Tensor | None = None
    ) -> list[float]:
        """Train one epoch; return each member's mean loss."""
        with repeatable(self.precision):
            return [
                member.epoch(orders[row], rates, None if changes is None else changes[row])
                for row, member in enumerate(self.members)
            ]

    def evaluate(self) -> Evaluation:
        """Return loss and accuracy on the validation part."""
        with repeatable("float32" if self.precision == "float32" else None):
            return evaluation([member.validated() for member in self.members])

    def weights(self, row: int) -> dict[str, Tensor]:
        """Return a copy of one member's state dict."""
        return {key: value.clone() for key, value in tensors_of(self.members[row].network).items()}

    def narrow(self, rows: list[int]) -> None:
        """Go on with these members only."""
        self.members = [self.members[row] for row in rows]

    def state(self) -> list[Tensor]:
        """Return the members' weights, buffers and their optimizers' tensors."""
        return [tensor for member in self.members for tensor in member.state()]

    def networks(self) -> list[nn.Module]:
        """Return the members' networks."""
        return [member.network for member in self.members]


def evaluation(found: Sequence[Tensor]) -> Evaluation:
    """Return what members' (2,) mean losses and accuracies say; waits for the device once."""
    losses, accuracies = torch.stack(list(found)).T.tolist()
    return Evaluation(losses, accuracies)
