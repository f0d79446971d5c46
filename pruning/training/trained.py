"""What a training gives: each member's epochs, and the weights that are kept."""

from __future__ import annotations

from dataclasses import dataclass, field

from torch import Tensor


@dataclass(frozen=True)
class Epoch:
    """One pass over the training data: mean losses in nats, accuracy in 0..1.

    With balanced class weights, the validation's are means over the classes of each class's.
    """

    train_loss: float
    val_loss: float
    val_accuracy: float


@dataclass
class Trained:
    """One member's training.

    Attributes
    ----------
    epochs
        What each epoch gave.
    weights, kept
        The state dict that the recipe keeps, and the epoch that it is of.
    late_weights
        The state dict after so many epochs as `train` was asked for; else empty.
    waited
        Epochs since the validation loss last improved.
    """

    epochs: list[Epoch] = field(default_factory=list)
    weights: dict[str, Tensor] = field(default_factory=dict)
    kept: Epoch | None = None
    late_weights: dict[str, Tensor] = field(default_factory=dict)
    waited: int = 0

    @property
    def val_accuracy(self) -> float:
        """Validation accuracy of the weights kept."""
        return self.kept.val_accuracy if self.kept else 0.0
