"""Which networks can train as batched matrices."""

from __future__ import annotations

from itertools import pairwise

from torch import nn

_STACKABLE = (nn.Flatten, nn.Linear, nn.ReLU)


def stackable(network: nn.Module) -> bool:
    """Whether the network is a plain MLP: Flatten, Linear and ReLU in sequence.

    >>> stackable(nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 2)))
    True
    """
    if not isinstance(network, nn.Sequential):
        return False
    layers = list(network)
    if not layers or not isinstance(layers[-1], nn.Linear) or isinstance(layers[0], nn.ReLU):
        return False
    relu_after_linear = all(
        isinstance(before, nn.Linear)
        for before, after in pairwise(layers)
        if isinstance(after, nn.ReLU)
    )
    return relu_after_linear and all(isinstance(layer, _STACKABLE) for layer in layers)
