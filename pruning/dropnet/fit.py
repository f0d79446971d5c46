"""Which units of a network a run can prune, found before anything is trained."""

from __future__ import annotations

import itertools

import torch
from torch import nn

from pruning.core.errors import RequestError
from pruning.dropnet.aim import Aim
from pruning.dropnet.coupling import PrunableUnits
from pruning.dropnet.dropping import check_fit
from pruning.dropnet.masks import drop_lowest
from pruning.dropnet.settings import METRICS, DropNet
from pruning.surgery import Masks, find_groups, full_masks, shrink


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


def likely_rounds(
    network: nn.Module, input_shape: tuple[int, ...], settings: DropNet
) -> int | None:
    """Return about how many rounds a run takes to its target; without one, the most there may be.

    Counted as if each layer lost alike; a metric that ranks over all layers may drop cheap units
    first, and take more. None where only κ and `keep` end a run.
    """
    aim = Aim.of(settings.target, network, input_shape)
    if aim is None:
        return settings.rounds
    units = PrunableUnits.of(find_groups(network, input_shape), settings.coupling)
    masks: Masks = full_masks(units.masked)
    for rounds in itertools.count():
        if aim.met(shrink(network, units.groups, units.cut(masks))) or rounds == settings.rounds:
            break
        alike = {name: mask.double() for name, mask in masks.items()}
        left = drop_lowest(
            alike, masks, settings.fraction, per_layer=True, generator=torch.Generator()
        )
        if all(torch.equal(left[name], masks[name]) for name in masks):
            break
        masks = left
    return rounds
