"""DropNet's ``maximum``, its contrast: the units with the highest mean go first."""

from __future__ import annotations

from torch import Tensor

from pruning.scores.base import SCORES, UnitView
from pruning.scores.minimum import Minimum


class Maximum(Minimum):
    """Importance is minus the mean |post-activation| (Tan & Motani 2020, section 3)."""

    def importance(self, units: UnitView) -> Tensor:
        """Return minus the mean |post-activation|."""
        return -super().importance(units)


SCORES.register("maximum")(Maximum())
