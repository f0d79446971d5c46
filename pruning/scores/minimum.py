"""DropNet's ``minimum``: the units with the lowest mean |post-activation| go first."""

from __future__ import annotations

from torch import Tensor

from pruning.scores.score import SCORES, Layer, Score, mean_abs, over_positions


class Minimum(Score):
    """Importance is the mean |post-activation| over the training data (section 2)."""

    def observe(self, activation: Tensor) -> Tensor:
        """Sum |activation| over the batch."""
        return mean_abs(activation)

    def layer_importance(self, layer: Layer) -> Tensor:
        """Return the mean |post-activation|."""
        return layer.observed

    def as_published(self) -> Score:
        """Return the mean over images of |mean over positions|, as in the published code."""
        return PublishedMinimum()


class PublishedMinimum(Minimum):
    """The published code's reading; it differs where values of both signs are averaged."""

    def observe(self, activation: Tensor) -> Tensor:
        """Sum |mean over positions| over the batch."""
        return over_positions(activation).mean(2).abs().double().sum(0)


SCORES.register("minimum")(Minimum())
