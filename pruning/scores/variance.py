"""Activation variance: units that say the same to every sample go first."""

from __future__ import annotations

import torch
from torch import Tensor

from pruning.scores.score import SCORES, Layer, Score, over_positions


class Variance(Score):
    """Importance is the variance of the post-activation over samples and positions.

    A unit that never varies is a constant, which the next layer's bias could hold (Sietsma
    & Dow 1988; Polyak & Wolf 2015). Squares are summed and divided by the number of values, n,
    not by n - 1.
    """

    def observe(self, activation: Tensor) -> Tensor:
        """Sum the first two moments over the batch: (n, 2)."""
        values = over_positions(activation).double()
        return torch.stack([values.mean(2).sum(0), values.square().mean(2).sum(0)], 1)

    def layer_importance(self, layer: Layer) -> Tensor:
        """Return the variance, 0 or more."""
        mean, square = layer.observed.unbind(1)
        return (square - mean.square()).clamp(min=0)


SCORES.register("variance")(Variance())
