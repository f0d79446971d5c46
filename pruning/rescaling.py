"""Signals stay as strong when a network is cut down.

A layer drawn for n inputs and cut to k of them adds up k terms: the variance of its output
falls to k / n, layer after layer, until the last ones see next to nothing and the network
never leaves chance. Weights times √(n / k) bring the variance back, as drawing them for k
inputs would (He et al. 2015, section 2.2), and keep their directions.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn

from pruning.surgery import PRODUCERS, Masks, UnitGroup
from pruning.surgery.cutting import kept_channels


@torch.no_grad()
def rescale(small: nn.Module, groups: Sequence[UnitGroup], masks: Masks) -> nn.Module:
    """Multiply each layer's weights by √(inputs at full width / inputs left), in place.

    Layers that a batch norm follows are left alone: it brings the variance back by itself.

    Parameters
    ----------
    small
        What `shrink` made of the full-width network.
    groups, masks
        As given to `shrink`.

    >>> from pruning.surgery import find_groups, shrink
    >>> net = nn.Sequential(nn.Linear(2, 4), nn.ReLU(), nn.Linear(4, 2))
    >>> groups, masks = find_groups(net, (2,)), {"0": torch.tensor([True, False, False, False])}
    >>> small = rescale(shrink(net, groups, masks), groups, masks)
    >>> bool((small[2].weight == 2 * net[2].weight[:, :1]).all())
    True
    """
    taps = [pair for group in groups for pair in zip(group.producers, group.taps, strict=True)]
    normed = {producer for producer, tap in taps if tap.norm}
    for (name, side), channels in kept_channels(groups, masks).items():
        module = small.get_submodule(name)
        if side == "in" and name not in normed and isinstance(module, PRODUCERS):
            module.weight.mul_((len(channels) / int(channels.sum())) ** 0.5)
    return small
