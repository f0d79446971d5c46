"""DropNet's ``maximum``, its contrast: the units with the highest mean go first."""

from __future__ import annotations

from torch import Tensor

from pruning.scores.minimum import Minimum, PublishedMinimum
from pruning.scores.score import SCORES, Layer, Score


class Maximum(Minimum):
    """Importance is minus the mean |post-activation| (Tan & Motani 2020, section 3)."""

    def layer_importance(self, layer: Layer) -> Tensor:
        """Return minus the mean |post-activation|."""
        return -super().layer_importance(layer)

    def as_published(self) -> Score:
        """Return the score over the published code's means."""
        return _PublishedMaximum()


class _PublishedMaximum(PublishedMinimum):
    def layer_importance(self, layer: Layer) -> Tensor:
        return -super().layer_importance(layer)


SCORES.register("maximum")(Maximum())
