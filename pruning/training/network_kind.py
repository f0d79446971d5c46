"""Which kind of network a recipe is for."""

from __future__ import annotations

from collections import Counter

from torch import nn

from pruning.inference.stackable import plain_mlp
from pruning.surgery.layer_kinds import CONVOLUTIONS
from pruning.training.usual import NetworkKind


def network_kind(network: nn.Module) -> NetworkKind:
    """Return ``"plain-mlp"``, ``"normed"`` or ``"other"``; pruning does not change it.

    ``"plain-mlp"`` is what `pruning.inference.stackable.plain_mlp` says. ``"normed"`` has
    convolutions of one group, a batch norm as wide as what each of them makes, one linear layer
    at most, and no parameters elsewhere: steps of a high rate cannot blow its activations up.

    >>> layers = nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.ReLU(), nn.Flatten(), nn.Linear(8, 2)
    >>> network_kind(nn.Sequential(*layers))
    'normed'
    >>> network_kind(nn.Sequential(*layers[:1], *layers[2:]))
    'other'
    """
    if plain_mlp(network):
        return "plain-mlp"
    without_norm: Counter[int] = Counter()
    norms: Counter[int] = Counter()
    linear = 0
    for module in network.modules():
        if isinstance(module, CONVOLUTIONS) and module.groups == 1:
            without_norm[module.out_channels] += 1
        elif isinstance(module, nn.BatchNorm2d | nn.BatchNorm3d | nn.SyncBatchNorm):
            norms[module.num_features] += 1
        elif isinstance(module, nn.Linear):
            linear += 1
        elif any(True for _ in module.parameters(recurse=False)):
            return "other"
    return "normed" if without_norm and not without_norm - norms and linear <= 1 else "other"
