"""DropNet's ``random``: units go in an order drawn anew each round."""

from __future__ import annotations

import torch
from torch import Tensor

from pruning.scores.score import SCORES, Score, UnitView


class Random(Score):
    """Importance is uniform noise (Tan & Motani 2020, section 3)."""

    def importance(self, units: UnitView) -> Tensor:
        """Draw from the member's generator."""
        return torch.rand(units.size, generator=units.generator, dtype=torch.float64)


SCORES.register("random")(Random())
