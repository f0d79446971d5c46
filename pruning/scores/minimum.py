"""DropNet's ``minimum``: the units with the lowest mean |post-activation| go first."""

from __future__ import annotations

from torch import Tensor

from pruning.scores.base import SCORES, Score, UnitView, mean_abs


class Minimum(Score):
    """Importance is the mean |post-activation| over the training data (section 2)."""

    def observe(self, activation: Tensor) -> Tensor:
        """Sum |activation| over the batch."""
        return mean_abs(activation)

    def importance(self, units: UnitView) -> Tensor:
        """Return the mean |post-activation|."""
        if units.means is None:
            raise ValueError("the score 'minimum' needs the sweep's means")
        return units.means


SCORES.register("minimum")(Minimum())
