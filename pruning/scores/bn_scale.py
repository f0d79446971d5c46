"""Batch-norm scale: units whose normalised value is scaled down most go first."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from pruning.core.errors import RequestError
from pruning.scores.score import SCORES, Layer, Score, UnitView, over_units


class BnScale(Score):
    """Importance is |γ| of the batch norm after the layer (Liu et al. 2017, section 3)."""

    def layer_importance(self, layer: Layer) -> Tensor:
        """Return |γ|."""
        if not isinstance(layer.norm, nn.Module):
            raise ValueError(f"layer {layer.name!r} has no batch norm")
        return layer.norm.get_parameter("weight").detach().abs()

    def importance(self, units: UnitView) -> Tensor:
        """Return |γ|, averaged over those of the group's layers that have a batch norm."""
        self.check(units.layers)
        having = [m for m in units.layers if _has_scale(m)]
        return over_units(units.size, [(m, self.layer_importance(m)) for m in having])

    def check(self, layers: Sequence[Layer]) -> None:
        """Refuse units that no layer with a batch norm with a scale right after it makes."""
        scaled = {unit for layer in layers if _has_scale(layer) for unit in _made(layer)}
        for layer in layers:
            if not scaled.issuperset(_made(layer)):
                raise RequestError(
                    f"metric 'bn_scale' needs a batch norm right after layer {layer.name!r}; "
                    "choose another metric, such as 'minimum', or another architecture"
                )


def _made(layer: Layer) -> set[int]:
    """Return the units that a layer makes."""
    return set(layer.units[layer.units >= 0].tolist())


def _has_scale(layer: Layer) -> bool:
    return layer.norm is not None and isinstance(layer.norm.weight, nn.Parameter)


SCORES.register("bn_scale")(BnScale())
