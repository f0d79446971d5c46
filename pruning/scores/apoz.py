"""APoZ: units that are zero most often go first (Hu et al. 2016, eq. 1)."""

from __future__ import annotations

from torch import Tensor

from pruning.scores.score import SCORES, Layer, Score, over_positions


class Apoz(Score):
    """Importance is the share of activations that are not zero: 1 - APoZ."""

    def observe(self, activation: Tensor) -> Tensor:
        """Sum over the batch the share of positions that are not zero."""
        return over_positions(activation != 0).double().mean(2).sum(0)

    def layer_importance(self, layer: Layer) -> Tensor:
        """Return 1 - APoZ, in 0..1."""
        return layer.observed

    def as_published(self) -> Score:
        """Return the share of images on which some position is not zero, as in DropNet's code."""
        return _PublishedApoz()


class _PublishedApoz(Apoz):
    def observe(self, activation: Tensor) -> Tensor:
        return over_positions(activation != 0).any(2).double().sum(0)


SCORES.register("apoz")(Apoz())
