"""What the training loop asks of an engine, and the registry that finds them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor, nn

from pruning.core.registry import Registry
from pruning.training.device_data import DeviceData
from pruning.training.lesson import Lesson
from pruning.training.recipe import Rate, Recipe


@dataclass(frozen=True)
class Evaluation:
    """How good each member was in one pass over data.

    Attributes
    ----------
    losses
        Mean cross-entropy, in nats.
    accuracies
        Share of samples right, in [0, 1]. Where the recipe's class weights are balanced, the
        mean over the classes of either.
    """

    losses: list[float]
    accuracies: list[float]


class Engine(ABC):
    """G networks that train together, each reading the same samples in its own order.

    Parameters
    ----------
    networks
        Such as the engine has no `obstacle` to, on the data's device.
    data
        What they train on.
    recipe
        Resolved.
    lesson
        What each is taught beside its labels; None: nothing.
    """

    summary: ClassVar[str]
    """How it runs them, in a line."""

    @abstractmethod
    def __init__(
        self,
        networks: Sequence[nn.Module],
        data: DeviceData,
        recipe: Recipe,
        lesson: Lesson | None = None,
    ) -> None: ...

    @classmethod
    def obstacle(cls, network: nn.Module, device: str) -> str | None:
        """Return why it cannot run this network on ``"cpu"`` or ``"cuda"``; None if it can.

        The text goes on from the engine's name: ``"needs a GPU"``.
        """
        return None

    @classmethod
    def auto_rank(cls, network: nn.Module, device: str, images: int) -> int | None:
        """Return how well it suits a network that it can run.

        ``auto`` takes the engine of greatest rank. None: this one runs only when asked for.
        `images` are those that a round trains on, all its members and epochs together.
        """
        return None

    @classmethod
    def group_size(cls, device: str) -> int:
        """Return how many runs at most are worth training together on this device."""
        return 1

    @abstractmethod
    def epoch(
        self, orders: Tensor, rates: Sequence[Rate], changes: Tensor | None = None
    ) -> list[float]:
        """Train one epoch; return each member's mean loss.

        Parameters
        ----------
        orders
            (G, N) int64 on the data's device: the order in which each member sees the
            training samples.
        rates
            The learning rate of each step, as many as batches of the recipe's size hold N; pairs
            where the recipe has two (`pruning.training.recipe.Recipe.rates`).
        changes
            (G, N, K) int64 on the data's device: how `pruning.training.augmenter`
            changes each sample of `orders`, and in the last column how a lesson moves it, if it
            does; None leaves them as they are.
        """

    @abstractmethod
    def evaluate(self) -> Evaluation:
        """Return loss and accuracy on the validation part, in float32 and eval mode.

        On CUDA float32 is multiplied as PyTorch does it, whose convolutions round what they read
        to tf32, unless the engine's name says float32.
        """

    @abstractmethod
    def weights(self, row: int) -> dict[str, Tensor]:
        """Return a copy of one member's float32 state dict, in its own physical sizes."""

    @abstractmethod
    def narrow(self, rows: list[int]) -> None:
        """Go on with these members only; the others take no more time."""

    def state(self) -> list[Tensor] | None:
        """Return the tensors that the next epochs change and hang on, themselves, no copies.

        Beside them, only what `networks` hold may change. None: this engine's training is not
        kept between epochs, and begins anew where it was stopped.
        """
        return None

    def networks(self) -> Sequence[nn.Module]:
        """Return the networks that take the steps, in order; none where matrices do."""
        return ()


ENGINES: Registry[type[Engine]] = Registry("engine", "pruning.training.engines", Engine)
