"""L1 weight norm: units with small incoming weights go first."""

from __future__ import annotations

from torch import Tensor

from pruning.scores.score import SCORES, Layer, Score


class L1(Score):
    """Importance is the sum of |weight| of a unit (Li et al. 2017, section 3.1)."""

    def layer_importance(self, layer: Layer) -> Tensor:
        """Return the norm; the bias is not part of it."""
        return layer.weights.abs().sum(1)


SCORES.register("l1")(L1())
