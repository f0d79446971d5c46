"""How many samples of the test part a network gets right; every round of a curve asks."""

from __future__ import annotations

import numpy as np
from torch import nn

from pruning.data.splits import Splits
from pruning.inference.probabilities import predict_probabilities


def accuracy_on_test(network: nn.Module, splits: Splits, device: str = "cpu") -> float:
    """Return the share of the test part that a network gets right."""
    found = predict_probabilities(network, splits.test.images, splits.scaling, device=device)
    return float(np.mean(found.argmax(1) == splits.test.labels))


def one_answer(splits: Splits) -> float:
    """Return the accuracy on the test part of always naming the commonest training class."""
    commonest = np.bincount(splits.train.labels).argmax()
    return float(np.mean(splits.test.labels == commonest))
