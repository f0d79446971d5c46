"""FPGM: units closest to all others of their layer go first, as the most replaceable."""

from __future__ import annotations

import torch
from torch import Tensor

from pruning.scores.score import SCORES, Layer, Score


class Fpgm(Score):
    """Importance is the sum of distances to the layer's other weight vectors.

    The smallest is nearest the layer's geometric median (He et al. 2019, eq. 8).
    """

    def layer_importance(self, layer: Layer) -> Tensor:
        """Return the sum of Euclidean distances, 0 or more."""
        rows = layer.weights
        return torch.stack([(rows - row).square().sum(1).sqrt().sum() for row in rows])


SCORES.register("fpgm")(Fpgm())
