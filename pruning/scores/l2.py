"""L2 weight norm: units with small incoming weights go first."""

from __future__ import annotations

from torch import Tensor

from pruning.scores.score import SCORES, Layer, Score


class L2(Score):
    """Importance is the Euclidean norm of a unit's weights (He et al. 2018)."""

    def layer_importance(self, layer: Layer) -> Tensor:
        """Return the norm; the bias is not part of it."""
        return layer.weights.square().sum(1).sqrt()


SCORES.register("l2")(L2())
