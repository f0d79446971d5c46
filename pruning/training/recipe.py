"""How a network is trained, as a value; no torch is needed to say it."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import Literal

from pruning.core.errors import RequestError
from pruning.core.option_checks import check_options
from pruning.core.options import option
from pruning.training.augment_names import Augmentation
from pruning.training.usual import NetworkKind, usual_values

Rate = float | tuple[float, float]
"""A step's learning rate: one for all layers, or the last one's and that of those before it."""
OptimizerName = Literal["adamw", "adam", "sgd"]
Schedule = Literal["cosine", "constant", "by-epoch"]
ClassWeights = Literal["none", "balanced"]


@dataclass(frozen=True)
class Recipe:
    """Optimizer, batches, and the schedule that training runs to its end.

    ``"cosine"`` rises for the warm-up and then falls to 0 at the last step (Loshchilov & Hutter
    2017, without restarts); ``"constant"`` stays after its warm-up, and patience may end it.
    ``"by-epoch"`` is the first version's: it falls epoch by epoch, and patience may end it
    before it has come down. ``"adamw"`` is Loshchilov & Hutter 2019's, ``"adam"`` Kingma & Ba
    2015's. Smoothed labels are Szegedy et al. 2016's. What is None is left to network and data
    (`resolved`). Augmentation is `pruning.training.augmentation`'s; scores and validation see
    images as they are.
    Class weights are `pruning.training.class_weights`'; scores count every sample alike.
    """

    optimizer: OptimizerName | None = option(
        None,
        "What takes the steps.",
        unset="adam for plain MLPs; sgd for images from drawn weights where every convolution "
        "has a batch norm, with cosine; else adamw",
    )
    learning_rate: float | None = option(
        None, "Highest learning rate.", above=0,
        unset="0.01 for plain MLPs, else 0.002; with sgd 0.05, and 0.2 where that is the default",
    )  # fmt: skip
    momentum: float | None = option(
        None, "Heavy-ball momentum of sgd.", least=0, below=1, flag=None, unset="0.9 for sgd"
    )
    backbone_rate: float = option(
        1.0,
        "Share of the learning rate that the layers before the last one take; 0 leaves their "
        "weights as they are.",
        least=0, most=1, before=1.0,
    )  # fmt: skip
    head_epochs: int = option(
        0,
        "Epochs at the beginning in which the last layer trains alone.",
        least=0, before=0,
    )  # fmt: skip
    weight_decay: float | None = option(
        None,
        "Weight decay: adamw's beside the gradient, on matrices and kernels alone; else L2, "
        "added to the gradient.",
        least=0, unset="0.05 with adamw, 0.0005 with sgd, 0 with adam; for plain MLPs 0.001",
    )  # fmt: skip
    schedule: Schedule | None = option(
        None,
        "cosine falls to 0 at the last step, constant stays, by-epoch falls by epochs and may "
        "end early.",
        unset="by-epoch for plain MLPs, else cosine",
    )  # fmt: skip
    warmup: int | None = option(
        None, "Epochs during which the rate rises.", least=0, before=0,
        unset="a tenth of the epochs with cosine, else 0",
    )  # fmt: skip
    label_smoothing: float | None = option(
        None, "Share of a label that all classes get alike.", least=0, below=1, before=0.0,
        unset="0 for plain MLPs, else 0.1",
    )  # fmt: skip
    class_weights: ClassWeights = option(
        "none",
        "Whether samples count alike, or balanced: the classes do, in the loss and in the "
        "validation loss and accuracy.",
        before="none",
    )
    batch_size: int | None = option(
        None, "Samples per step and network.", least=1,
        unset="16 for plain MLPs, else 64; 128 from 10,000 training samples on",
    )  # fmt: skip
    max_epochs: int | None = option(
        None, "Epochs per round, or the most.", least=1, flag="epochs",
        unset="at most 40 for plain MLPs, else 30; of augmented images at least 1,250 steps, up to "
        "100 epochs; of others 12 from 10,000 training samples on",
    )  # fmt: skip
    patience: int | None = option(
        None,
        "Epochs without a lower validation loss after which training ends; cosine always runs "
        "to its end.",
        least=1, unset="with by-epoch 10, and 4 from 10,000 training samples on; else none",
    )  # fmt: skip
    keep: Literal["best", "last"] | None = option(
        None, "Which epoch's weights are kept: that of the lowest validation loss, or the last.",
        flag=None, unset="last with cosine, else best",
    )  # fmt: skip
    augment: str | None = option(
        None,
        "What training does to samples, words joined by hyphens (photo-cutout-mixup): shift moves "
        "each image by up to an eighth of its side, flip mirrors every other one, photo does both, "
        "changes the light and fills edges with what they mirror; trivial is TrivialAugment, "
        "cutout hides a box, mixup and cutmix mix pairs; or none.",
        kind="augmentation", metavar="WORDS",
        unset="photo for coloured images, else none; none for plain MLPs",
    )  # fmt: skip
    fine_tuning: bool = option(
        False,
        "Whether networks start from trained weights, as those of DropNet.init do: few augmented "
        "images then take no more epochs than many.",
        flag=None, before=False,
    )  # fmt: skip
    normed_by_sgd: bool = option(
        True,
        "Whether sgd is the default of images where every convolution has a batch norm: not where "
        "weights are given, nor in runs begun by earlier versions.",
        flag=None, before=True,
    )  # fmt: skip
    shuffle: bool = option(
        True,
        "Whether each epoch reads the samples in another order, or always as they lie.",
        flag=None, before=True,
    )  # fmt: skip
    attempts: int = option(
        3,
        "How often a pruned network that ends no better than chance is trained: anew from a "
        "draw at its widths, or, where weights were given, on its samples in another order.",
        least=1, flag=None,
    )  # fmt: skip

    def __post_init__(self) -> None:
        check_options(self)
        if self.augment is not None:
            object.__setattr__(self, "augment", str(Augmentation.of(self.augment)))
        if self.patience is not None and self.schedule == "cosine":
            raise RequestError(
                f"`patience` {self.patience} would end a schedule that has not come down; ask "
                "for `schedule` 'constant', or leave it out"
            )
        for name in ("warmup", "head_epochs"):
            epochs, all_epochs = vars(self)[name], self.max_epochs
            if epochs and all_epochs is not None and epochs >= all_epochs:
                raise RequestError(
                    f"`{name}` {epochs} leaves nothing of `max_epochs` {all_epochs}; "
                    f"allowed 0 to {all_epochs - 1}"
                )

    def resolved(self, *, kind: NetworkKind, shape: tuple[int, ...], samples: int) -> Recipe:
        """Return the recipe with what it leaves to network and data filled in.

        Parameters
        ----------
        kind
            Of the network (`pruning.training.network_kind.network_kind`).
        shape
            Of a sample: (C, H, W) or (F,).
        samples
            Of the training part.

        Raises
        ------
        RequestError
            If a batch would be larger than the training part, or what it asks does not go
            together with what is left open.

        >>> Recipe().resolved(kind="plain-mlp", shape=(64,), samples=1078).learning_rate
        0.01
        >>> Recipe().resolved(kind="other", shape=(3, 32, 32), samples=1600).augment
        'photo'
        """
        self.check_samples(samples)
        Augmentation.of(self.augment or "none").check_shape(shape)
        if kind == "plain-mlp" and self.has_two_rates:
            name = "head_epochs" if self.head_epochs else "backbone_rate"
            raise RequestError(
                f"`{name}` {vars(self)[name]:g} is for other networks: all layers of a plain MLP "
                "train alike; leave it out"
            )
        usual = usual_values(vars(self), kind=kind, shape=shape, samples=samples)
        left_open = {name: value for name, value in usual.items() if vars(self)[name] is None}
        return dataclasses.replace(self, **left_open)

    def check_samples(self, samples: int) -> None:
        """Raise `RequestError` if a batch would be larger than the training part."""
        if self.batch_size is not None and self.batch_size > samples:
            raise RequestError(
                f"`batch_size` {self.batch_size} is more than the {samples} training samples; "
                f"allowed 1 to {samples}"
            )

    def check_values(self, *, eight_bit: bool) -> None:
        """Raise `RequestError` if it asks of images what only those of 8 bits have."""
        Augmentation.of(self.augment or "none").check_values(eight_bit=eight_bit)

    @property
    def has_two_rates(self) -> bool:
        """Whether the last layer's learning rate is its own."""
        return self.backbone_rate != 1 or self.head_epochs > 0

    def rates(self, epoch: int, steps: int) -> list[Rate]:
        """Return the learning rate of each step of an epoch; the recipe is resolved.

        With `has_two_rates` each is a pair, the last layer's first.

        Parameters
        ----------
        epoch
            Counted from 0.
        steps
            Of an epoch.

        >>> recipe = Recipe(learning_rate=1.0, schedule="cosine", warmup=1, max_epochs=3)
        >>> [round(rate, 2) for epoch in range(3) for rate in recipe.rates(epoch, 2)]
        [0.5, 1.0, 1.0, 0.85, 0.5, 0.15]
        >>> dataclasses.replace(recipe, backbone_rate=0.5, head_epochs=1).rates(0, 2)
        [(0.5, 0.0), (1.0, 0.0)]
        """
        rates = self._rates(epoch, steps)
        if not self.has_two_rates:
            return [*rates]
        share = 0.0 if epoch < self.head_epochs else self.backbone_rate
        return [(rate, rate * share) for rate in rates]

    def _rates(self, epoch: int, steps: int) -> list[float]:
        if self.learning_rate is None or self.max_epochs is None:
            raise ValueError("the recipe leaves its rate or epochs open; resolve it first")
        if self.schedule == "by-epoch":
            turn = math.pi * epoch / self.max_epochs
            return [self.learning_rate * (1 + math.cos(turn)) / 2] * steps
        return [self._rate(epoch * steps + step, steps) for step in range(steps)]

    def _rate(self, step: int, per_epoch: int) -> float:
        warm, whole = (self.warmup or 0) * per_epoch, (self.max_epochs or 1) * per_epoch
        highest = self.learning_rate or 0.0
        if step < warm:
            return highest * (step + 1) / warm
        if self.schedule == "constant":
            return highest
        return highest * (1 + math.cos(math.pi * (step - warm) / (whole - warm))) / 2


RECIPES: dict[str, Recipe] = {
    "default": Recipe(),
    # What the first version trained with: Adam, ended early, images as they are.
    "first": Recipe(
        optimizer="adam",
        momentum=0.0,
        schedule="by-epoch",
        warmup=0,
        label_smoothing=0.0,
        keep="best",
        augment="none",
    ),
    # Plain SGD and the last weights, as in the published code of Tan & Motani 2020, but for the
    # order of the samples, which there is always the same.
    "paper": Recipe(
        optimizer="sgd",
        learning_rate=0.1,
        momentum=0.0,
        weight_decay=0.0,
        schedule="constant",
        warmup=0,
        label_smoothing=0.0,
        batch_size=32,
        max_epochs=100,
        patience=5,
        keep="last",
        augment="none",
        attempts=1,
    ),
}
