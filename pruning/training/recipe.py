"""How a network is trained, as a value; no torch is needed to say it."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import Literal

from pruning.core.errors import RequestError
from pruning.core.option_checks import check_options
from pruning.core.options import option

Augment = Literal["none", "shift", "shift-flip"]

MANY_SAMPLES = 10_000
"""From so many training samples on, an epoch is long and batches may be larger."""


@dataclass(frozen=True)
class Recipe:
    """Optimizer, batches and the rule that stops training.

    ``"adam"`` is Kingma & Ba 2015's. ``"cosine"`` is Loshchilov & Hutter 2017's without
    restarts, epoch by epoch. What is None is left to network and data (`resolved`): plain MLPs
    overfit and take a larger rate and decay, deeper stacks without norm need smaller ones;
    fewer epochs of more samples are more steps still. Augmentation is
    `pruning.training.augmentation`'s; scores and validation see images as they are.
    """

    optimizer: Literal["adam", "sgd"] = option("adam", "What takes the steps.", flag=None)
    learning_rate: float | None = option(
        None, "Learning rate at the start.", above=0, unset="0.01 for plain MLPs, else 0.001"
    )
    momentum: float = option(0.0, "Heavy-ball momentum of sgd.", least=0, below=1, flag=None)
    weight_decay: float | None = option(
        None, "L2 decay, added to the gradient.", least=0, flag=None,
        unset="0.001 for plain MLPs, else 0",
    )  # fmt: skip
    schedule: Literal["cosine", "constant"] = option(
        "cosine", "Whether the rate falls to 0 over the epochs or stays.", flag=None
    )
    batch_size: int | None = option(
        None, "Samples per step and network.", least=1,
        unset="16, and 128 from 10,000 training samples on",
    )  # fmt: skip
    max_epochs: int | None = option(
        None, "Most epochs per round.", least=1, flag="epochs",
        unset="40, and 12 from 10,000 training samples on",
    )  # fmt: skip
    patience: int | None = option(
        None, "Epochs without a lower validation loss after which training ends.", least=1,
        flag=None, unset="10, and 4 from 10,000 training samples on",
    )  # fmt: skip
    keep: Literal["best", "last"] = option(
        "best", "Which epoch's weights are kept: that of the lowest validation loss, or the last.",
        flag=None,
    )  # fmt: skip
    augment: Augment = option(
        "none",
        "What training does to images: shift moves each by up to an eighth of its side, "
        "shift-flip also mirrors every other one.",
        kind="augmentation",
    )
    attempts: int = option(
        3,
        "How often a pruned network that ends no better than chance is trained: anew from a "
        "draw at its widths, or, where weights were given, on its samples in another order.",
        least=1, flag=None,
    )  # fmt: skip

    def __post_init__(self) -> None:
        check_options(self)

    def resolved(self, *, plain_mlp: bool, samples: int) -> Recipe:
        """Return the recipe with what it leaves to network and data filled in.

        Parameters
        ----------
        plain_mlp
            Whether the network is one (`pruning.inference.stackable`).
        samples
            Of the training part.

        Raises
        ------
        RequestError
            If a batch would be larger than the training part.

        >>> Recipe().resolved(plain_mlp=True, samples=1078).learning_rate
        0.01
        """
        self.check_samples(samples)
        rate, decay = (1e-2, 1e-3) if plain_mlp else (1e-3, 0.0)
        batch, epochs, patience = (16, 40, 10) if samples < MANY_SAMPLES else (128, 12, 4)
        usual = Recipe(
            learning_rate=rate, weight_decay=decay,
            batch_size=batch, max_epochs=epochs, patience=patience,
        )  # fmt: skip
        left_open = {name: value for name, value in vars(usual).items() if vars(self)[name] is None}
        return dataclasses.replace(self, **left_open)

    def check_samples(self, samples: int) -> None:
        """Raise `RequestError` if a batch would be larger than the training part."""
        if self.batch_size is not None and self.batch_size > samples:
            raise RequestError(
                f"`batch_size` {self.batch_size} is more than the {samples} training samples; "
                f"allowed 1 to {samples}"
            )

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
