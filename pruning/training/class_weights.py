"""How much a sample counts, by its class: the rare may count more, where they are uneven."""

from __future__ import annotations

import torch
from torch import Tensor

from pruning.training.recipe import ClassWeights

_ROUNDING = 1e-9
"""What adding up many shares in float64 may be off by."""


def class_weights(kind: ClassWeights, labels: Tensor, classes: int) -> Tensor | None:
    """Return what a sample of each class counts, on average over the samples 1.

    Parameters
    ----------
    kind
        ``"balanced"`` lets each class that has samples count alike in sum: N samples of which
        n are of a class, of C that have any, give N / (C n), and 0 where there are none.
    labels
        (N,) int64, at least one.
    classes
        How many there are.

    Returns
    -------
    Tensor or None
        (classes,) float64 on the labels' device; None where all count alike, and always for
        ``"none"``.

    >>> class_weights("balanced", torch.tensor([0, 0, 0, 1]), 2)
    tensor([0.6667, 2.0000], dtype=torch.float64)
    >>> class_weights("balanced", torch.tensor([0, 1, 1, 0]), 2) is None
    True
    """
    if kind == "none":
        return None
    counts = labels.cpu().bincount(minlength=classes)
    present = counts > 0
    if counts[present].min() == counts.max():
        return None
    weights = torch.zeros(classes, dtype=torch.float64)
    weights[present] = len(labels) / (present.sum() * counts[present].double())
    return weights.to(labels.device)


def weighted_accuracy(kind: ClassWeights, right: Tensor, labels: Tensor) -> float:
    """Return the share of (N,) that are right, or the mean of the classes' shares."""
    weights = class_weights(kind, labels, int(labels.max()) + 1)
    return float((right.double() if weights is None else right * weights[labels]).mean())


def accuracy_of_one_answer(kind: ClassWeights, labels: Tensor) -> float:
    """Return the accuracy, by these weights, of the one answer to all samples that is best.

    It is the most common class's share, and 1 / C where each of C classes counts alike; with
    what rounding may add.
    """
    counts = labels.bincount()
    if kind == "balanced":
        return 1 / int((counts > 0).sum()) + _ROUNDING
    return float(counts.max()) / len(labels)
