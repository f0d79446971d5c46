"""Which networks can train as batched matrices."""

from __future__ import annotations

from itertools import pairwise

from torch import nn

_STACKABLE = (nn.Flatten, nn.Linear, nn.ReLU)


def stackable(network: nn.Module) -> bool:
    """Whether the network is a plain MLP: Flatten, Linear and ReLU in sequence, and nothing else.

    Neither kinds of these that may compute something of their own, nor hooks.

    >>> stackable(nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 2)))
    True
    """
    if type(network) is not nn.Sequential or hooked(network):
        return False
    layers = list(network)
    if not layers or not isinstance(layers[-1], nn.Linear) or isinstance(layers[0], nn.ReLU):
        return False
    relu_after_linear = all(
        isinstance(before, nn.Linear)
        for before, after in pairwise(layers)
        if isinstance(after, nn.ReLU)
    )
    return relu_after_linear and all(type(layer) in _STACKABLE for layer in layers)


def hooked(network: nn.Module) -> bool:
    """Whether a module of a network has forward hooks: it does more than its layers say."""
    return any(m._forward_hooks or m._forward_pre_hooks for m in network.modules())
