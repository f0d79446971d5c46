"""Which kind of network a recipe is for."""

from __future__ import annotations

from torch import nn

from pruning.inference.stackable import plain_mlp
from pruning.surgery.layer_kinds import CONVOLUTIONS, BatchNorm
from pruning.training.usual import NetworkKind


def network_kind(network: nn.Module) -> NetworkKind:
    """Return ``"plain-mlp"``, ``"normed"`` or ``"other"``; pruning does not change it.

    ``"plain-mlp"`` is what `pruning.inference.stackable.plain_mlp` says. ``"normed"`` has
    convolutions, each of one group and with a batch norm, and one linear layer at most: steps of
    a high rate cannot blow its activations up.

    >>> layers = nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.ReLU(), nn.Flatten(), nn.Linear(8, 2)
    >>> network_kind(nn.Sequential(*layers))
    'normed'
    >>> network_kind(nn.Sequential(*layers[:1], *layers[2:]))
    'other'
    """
    if plain_mlp(network):
        return "plain-mlp"
    convolutions = [module for module in network.modules() if isinstance(module, CONVOLUTIONS)]
    norms, linear = (
        sum(isinstance(module, kind) for module in network.modules())
        for kind in (BatchNorm, nn.Linear)
    )
    ungrouped = all(convolution.groups == 1 for convolution in convolutions)
    return "normed" if ungrouped and 0 < len(convolutions) <= norms and linear <= 1 else "other"
