"""How a network is trained, as a value."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from pruning.errors import RequestError, unknown_name


@dataclass(frozen=True)
class Recipe:
    """Optimiser, batches and the rule that stops training.

    Attributes
    ----------
    optimizer
        ``"adam"`` (Kingma & Ba 2015) or ``"sgd"``.
    learning_rate, momentum, weight_decay
        The optimiser's; momentum is for ``"sgd"`` only.
    schedule
        ``"cosine"`` takes the learning rate from its value to 0 over `max_epochs`
        (Loshchilov & Hutter 2017, without restarts), epoch by epoch; ``"constant"`` keeps it.
    batch_size
        Samples a step and member.
    max_epochs, patience
        Training ends after `max_epochs`, or when validation loss has not improved for
        `patience` epochs.
    keep
        ``"best"`` keeps the weights of the epoch with the lowest validation loss,
        ``"last"`` those of the last.
    """

    optimizer: Literal["adam", "sgd"] = "adam"
    learning_rate: float = 3e-3
    momentum: float = 0.0
    weight_decay: float = 0.0
    schedule: Literal["cosine", "constant"] = "cosine"
    batch_size: int = 64
    max_epochs: int = 40
    patience: int = 5
    keep: Literal["best", "last"] = "best"

    def __post_init__(self) -> None:
        for name in ("learning_rate", "batch_size", "max_epochs", "patience"):
            if not getattr(self, name) > 0:
                raise RequestError(f"{name} {getattr(self, name)} must be positive")

    def rate(self, epoch: int) -> float:
        """Return the learning rate of an epoch, counted from 0.

        >>> [round(Recipe(learning_rate=1.0, max_epochs=4).rate(e), 2) for e in range(4)]
        [1.0, 0.85, 0.5, 0.15]
        """
        if self.schedule == "constant":
            return self.learning_rate
        return self.learning_rate * (1 + math.cos(math.pi * epoch / self.max_epochs)) / 2

    def make_optimizer(self, parameters: Sequence[Tensor]) -> torch.optim.Optimizer:
        """Return the optimiser over these tensors."""
        if self.optimizer == "adam":
            return torch.optim.Adam(
                parameters, lr=self.learning_rate, weight_decay=self.weight_decay, fused=True
            )
        return torch.optim.SGD(
            parameters,
            lr=self.learning_rate,
            momentum=self.momentum,
            weight_decay=self.weight_decay,
        )


RECIPES: dict[str, Recipe] = {
    "default": Recipe(),
    # Plain SGD and the last weights, as in the published code of Tan & Motani 2020.
    "paper": Recipe(
        optimizer="sgd",
        learning_rate=0.1,
        schedule="constant",
        batch_size=32,
        max_epochs=100,
        patience=5,
        keep="last",
    ),
}


def find_recipe(name: str) -> Recipe:
    """Return a recipe by name."""
    if name not in RECIPES:
        raise unknown_name("recipe", name, RECIPES)
    return RECIPES[name]
