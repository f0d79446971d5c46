"""Batch-norm scale: units whose normalised value is scaled down most go first."""

from __future__ import annotations

from torch import Tensor, nn

from pruning.errors import RequestError
from pruning.scores.base import SCORES, Layer, Score, UnitView, over_units


class BnScale(Score):
    """Importance is |γ| of the batch norm after the layer (Liu et al. 2017, section 3)."""

    def layer_importance(self, layer: Layer) -> Tensor:
        """Return |γ|."""
        return _scale(layer).detach().abs()

    def importance(self, units: UnitView) -> Tensor:
        """Return |γ|, averaged over those of the group's layers that have a batch norm."""
        having = [m for m in units.layers if _has_scale(m)]
        return over_units(units.size, [(m, self.layer_importance(m)) for m in having])

    def check(self, layer: Layer) -> None:
        """Refuse a layer that no batch norm with a scale reads alone."""
        _scale(layer)


def _has_scale(layer: Layer) -> bool:
    return layer.norm is not None and isinstance(layer.norm.weight, nn.Parameter)


def _scale(layer: Layer) -> Tensor:
    if layer.norm is None or not isinstance(scale := layer.norm.weight, nn.Parameter):
        raise RequestError(
            f"metric 'bn_scale' needs a batch norm right after layer {layer.name!r}; "
            "choose another metric, such as 'minimum', or another architecture"
        )
    return scale


SCORES.register("bn_scale")(BnScale())
