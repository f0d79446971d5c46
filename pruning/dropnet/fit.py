"""Which units of a network a run can prune, found before anything is trained."""

from __future__ import annotations

from torch import nn

from pruning.core.errors import RequestError
from pruning.dropnet.aim import Aim
from pruning.dropnet.coupling import PrunableUnits
from pruning.dropnet.dropping import check_fit
from pruning.dropnet.settings import METRICS, DropNet
from pruning.surgery import find_groups


def find_units(
    network: nn.Module, input_shape: tuple[int, ...], settings: DropNet
) -> PrunableUnits:
    """Return what can be pruned of a network; nothing is trained.

    Raises
    ------
    RequestError
        If the network cannot be pruned as the settings ask.
    """
    units = PrunableUnits.of(find_groups(network, input_shape), settings.coupling)
    if settings.metric in METRICS and units.independent:
        raise RequestError(
            f"`metric` {settings.metric!r} removes whole units, `coupling` 'independent' parts of "
            "them; ask for `coupling` 'joint'"
        )
    check_fit(settings.metric, network, units.masked)
    units.check(network, input_shape)
    if aim := Aim.of(settings.target, network, input_shape):
        aim.check(network, units.groups)
    return units
