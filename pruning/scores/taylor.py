"""First-order Taylor: units whose removal would change the loss least go first."""

from __future__ import annotations

from torch import Tensor

from pruning.scores.score import SCORES, Layer, Score, over_positions


class Taylor(Score):
    """Importance is the mean over samples of |mean over positions of value × gradient|.

    Molchanov et al. 2017, eq. 7, not normalised per layer. Where an activation is applied
    without a module for it, the value and the gradient before it are taken; for ReLU their
    product is the same.
    """

    def observe_gradient(self, activation: Tensor, gradient: Tensor) -> Tensor:
        """Sum |mean over positions of value × gradient| over the batch."""
        product = over_positions(activation.double() * gradient.double())
        return product.mean(2).abs().sum(0)

    def layer_importance(self, layer: Layer) -> Tensor:
        """Return the expected change of a sample's loss, in nats per position."""
        return layer.observed


SCORES.register("taylor")(Taylor())
