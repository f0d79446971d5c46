"""What the training loop asks of an engine."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from torch import Tensor


@dataclass(frozen=True)
class Seen:
    """What a pass over data showed of each member.

    Attributes
    ----------
    losses
        Mean cross-entropy, in nats.
    accuracies
        Share of samples right, in [0, 1].
    """

    losses: list[float]
    accuracies: list[float]


class Engine(Protocol):
    """G networks that train together, each on its own order of the same samples."""

    def epoch(self, orders: Tensor, rate: float, moves: Tensor | None = None) -> list[float]:
        """Train one epoch; return each member's mean loss.

        Parameters
        ----------
        orders
            (G, N) int64 on the data's device: the order in which each member sees the
            training samples.
        rate
            Learning rate.
        moves
            (G, N, 3) int64 on the data's device: what `pruning.training.augmentation.moved` does to
            each sample of `orders`; None leaves them as they are.
        """

    def evaluate(self) -> Seen:
        """Return what the validation part shows, in float32 and eval mode."""

    def weights(self, row: int) -> dict[str, Tensor]:
        """Return a copy of one member's float32 state dict, in its own physical sizes."""

    def keep(self, rows: list[int]) -> None:
        """Go on with these members only; the others stop costing."""
