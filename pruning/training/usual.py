"""What a recipe leaves open, filled in from the network and the data.

Plain MLPs overfit within a few epochs: Adam, ended when validation says so. All other networks
run a whole schedule with warm-up, smoothed labels and augmented images, which on 2,000 photos is
worth eight points against the first version's (`benchmarks/accuracy`): of SGD where batch norms
keep its large steps in bounds, of AdamW where nothing does.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Literal

NetworkKind = Literal["plain-mlp", "normed", "other"]
"""What `pruning.training.network_kind.network_kind` tells apart."""
MANY_SAMPLES = 10_000
"""From so many training samples on, an epoch is long and batches may be larger."""
EPOCHS, MOST_EPOCHS = 30, 100
"""At least and at most. Augmented images are new ones in every epoch: on 40,000 of CIFAR-10 twenty
conv-c came to 83.1 % after 12 epochs, one a little narrower to 85.5 % after 30
(results/evidence/cifar.md)."""
LEAST_STEPS = 1_250
"""Of augmented images, where they are few: an epoch of 1,600 photos is 25 steps. Four networks
pruned to a fifth of their FLOPs came to 68.4 % with 20 epochs, 72.7 with 50 and 72.6 with 80
(docs/training.md)."""
WARM_PART = 10
"""The warm-up is the epochs divided by this."""


def usual_values(
    asked: Mapping[str, Any], *, kind: NetworkKind, shape: tuple[int, ...], samples: int
) -> Mapping[str, Any]:
    """Return a value for each field that a recipe may leave open.

    `asked` are the recipe's fields, None where they are open; the other parameters are those of
    `pruning.training.recipe.Recipe.resolved`.
    """
    many = samples >= MANY_SAMPLES
    schedule = asked["schedule"] or _schedule(asked, kind)
    if schedule == "by-epoch":
        return _of_the_first_version(kind, many)
    images = kind != "plain-mlp" and len(shape) == 3
    drawn = asked["normed_by_sgd"] and not asked["fine_tuning"]
    steady = kind == "normed" and images and drawn
    optimizer = asked["optimizer"] or ("sgd" if steady and schedule == "cosine" else "adamw")
    coloured = images and shape[0] == 3
    augment = asked["augment"] or ("photo" if coloured else "none")
    batch = asked["batch_size"] or min(samples, 128 if many else 64)
    epochs = asked["max_epochs"] or _epochs(
        samples, batch, augmented=augment != "none", tuned=asked["fine_tuning"]
    )
    warm = schedule == "cosine"
    decay = {"adamw": 0.05, "adam": 0.0, "sgd": 5e-4}[optimizer]
    return {
        "optimizer": optimizer,
        "learning_rate": (0.2 if steady else 0.05) if optimizer == "sgd" else 2e-3,
        "momentum": 0.9 if optimizer == "sgd" else 0.0,
        "weight_decay": decay,
        "schedule": schedule,
        "warmup": epochs // WARM_PART if warm else 0,
        "label_smoothing": 0.1,
        "batch_size": batch,
        "max_epochs": epochs,
        "keep": "last" if warm else "best",
        "augment": augment,
    }


def _epochs(samples: int, batch: int, *, augmented: bool, tuned: bool) -> int:
    if not augmented:
        return 12 if samples >= MANY_SAMPLES else EPOCHS
    least = 0 if tuned else math.ceil(LEAST_STEPS / math.ceil(samples / batch))
    return min(max(EPOCHS, least), MOST_EPOCHS)


def _schedule(asked: Mapping[str, Any], kind: NetworkKind) -> str:
    if kind == "plain-mlp":
        return "by-epoch"
    return "cosine" if asked["patience"] is None else "constant"


def _of_the_first_version(kind: NetworkKind, many: bool) -> Mapping[str, Any]:
    rate, decay = (1e-2, 1e-3) if kind == "plain-mlp" else (1e-3, 0.0)
    batch, epochs, patience = (128, 12, 4) if many else (16, 40, 10)
    return {
        "optimizer": "adam", "learning_rate": rate, "momentum": 0.0, "weight_decay": decay,
        "schedule": "by-epoch", "warmup": 0, "label_smoothing": 0.0, "batch_size": batch,
        "max_epochs": epochs, "patience": patience, "keep": "best", "augment": "none",
    }  # fmt: skip
