"""How a network is trained, as a value; no torch is needed to say it."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import Literal, get_args

from pruning.core.errors import RequestError, unknown_name

Augment = Literal["none", "shift", "shift-flip"]

MANY_SAMPLES = 10_000
"""From so many training samples on, an epoch is long and batches may be larger."""


@dataclass(frozen=True)
class Recipe:
    """Optimizer, batches and the rule that stops training.

    Attributes
    ----------
    optimizer
        ``"adam"`` (Kingma & Ba 2015) or ``"sgd"``.
    learning_rate, weight_decay
        The optimizer's. None leaves it to the network: 0.01 and 0.001 for plain MLPs, which
        overfit, 0.001 and 0 for all others, which deeper stacks without norm need.
    momentum
        For ``"sgd"`` only.
    schedule
        ``"cosine"`` takes the learning rate from its value to 0 over `max_epochs`
        (Loshchilov & Hutter 2017, without restarts), epoch by epoch; ``"constant"`` keeps it.
    batch_size
        Samples a step and member. None leaves it to the data: 16, and 128 from 10,000
        training samples on.
    max_epochs, patience
        Training ends after `max_epochs`, or when validation loss has not improved for
        `patience` epochs. None leaves them to the data: 40 and 10, and 12 and 4 from 10,000
        training samples on, which are more steps still.
    keep
        ``"best"`` keeps the weights of the epoch with the lowest validation loss,
        ``"last"`` those of the last.
    augment
        What training does to its images (`pruning.training.augmentation`); scores and validation
        see them as they are.
    attempts
        A pruned network that ends no better than chance is drawn anew at its widths and
        trained again until it has been trained so often; 1 leaves it as it is. Weights that
        were given (`DropNet.init`) are kept: the samples come in another order.
    """

    optimizer: Literal["adam", "sgd"] = "adam"
    learning_rate: float | None = None
    momentum: float = 0.0
    weight_decay: float | None = None
    schedule: Literal["cosine", "constant"] = "cosine"
    batch_size: int | None = None
    max_epochs: int | None = None
    patience: int | None = None
    keep: Literal["best", "last"] = "best"
    augment: Augment = "none"
    attempts: int = 3

    def __post_init__(self) -> None:
        if self.augment not in get_args(Augment):
            raise unknown_name("augmentation", self.augment, get_args(Augment))
        for name in ("learning_rate", "batch_size", "max_epochs", "patience", "attempts"):
            value = getattr(self, name)
            if value is not None and not value > 0:
                raise RequestError(f"{name} {value} must be positive")

    def resolved(self, *, plain_mlp: bool, samples: int) -> Recipe:
        """Return the recipe with what it leaves to network and data filled in.

        Parameters
        ----------
        plain_mlp
            Whether the network is one (`pruning.inference.stackable`).
        samples
            Of the training part.

        >>> Recipe().resolved(plain_mlp=True, samples=1078).learning_rate
        0.01
        """
        rate, decay = (1e-2, 1e-3) if plain_mlp else (1e-3, 0.0)
        batch, epochs, patience = (16, 40, 10) if samples < MANY_SAMPLES else (128, 12, 4)
        usual = Recipe(
            learning_rate=rate, weight_decay=decay,
            batch_size=batch, max_epochs=epochs, patience=patience,
        )  # fmt: skip
        left_open = {name: value for name, value in vars(usual).items() if vars(self)[name] is None}
        return dataclasses.replace(self, **left_open)

    def rate(self, epoch: int) -> float:
        """Return the learning rate of an epoch, counted from 0; the recipe is resolved.

        >>> [round(Recipe(learning_rate=1.0, max_epochs=4).rate(e), 2) for e in range(4)]
        [1.0, 0.85, 0.5, 0.15]
        """
        if self.learning_rate is None or self.max_epochs is None:
            raise ValueError("the recipe leaves its rate or epochs open; resolve it first")
        if self.schedule == "constant":
            return self.learning_rate
        return self.learning_rate * (1 + math.cos(math.pi * epoch / self.max_epochs)) / 2


RECIPES: dict[str, Recipe] = {
    "default": Recipe(),
    # Plain SGD and the last weights, as in the published code of Tan & Motani 2020.
    "paper": Recipe(
        optimizer="sgd",
        learning_rate=0.1,
        weight_decay=0.0,
        schedule="constant",
        batch_size=32,
        max_epochs=100,
        patience=5,
        keep="last",
        attempts=1,
    ),
}


def find_recipe(name: str) -> Recipe:
    """Return a recipe by name."""
    if name not in RECIPES:
        raise unknown_name("recipe", name, RECIPES)
    return RECIPES[name]
