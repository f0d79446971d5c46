"""Which networks are plain MLPs, and which of them can train as batched matrices."""

from __future__ import annotations

from itertools import pairwise

from torch import nn

_OF_MLPS = (nn.Flatten, nn.Linear, nn.ReLU)


def stackable(network: nn.Module) -> bool:
    """Whether the network is a plain MLP whose layers are batched matrices with biases.

    Every layer has weights and a bias of its own, all of which are trained; what it reads is
    what the one before it makes, and a Flatten comes first or not at all.

    >>> stackable(nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 2)))
    True
    >>> stackable(nn.Sequential(nn.Linear(2, 3, bias=False), nn.ReLU(), nn.Linear(3, 2)))
    False
    """
    if not plain_mlp(network) or not isinstance(network, nn.Sequential):
        return False
    linear = [layer for layer in network if isinstance(layer, nn.Linear)]
    parameters = list(network.parameters())
    biased = all(isinstance(layer.bias, nn.Parameter) for layer in linear)
    own = biased and len(parameters) == 2 * len(linear)  # none is listed twice
    fits = all(a.out_features == b.in_features for a, b in pairwise(linear))
    flat = all(
        not i and (layer.start_dim, layer.end_dim) == (1, -1)
        for i, layer in enumerate(network)
        if isinstance(layer, nn.Flatten)
    )
    return own and fits and flat and all(parameter.requires_grad for parameter in parameters)


def plain_mlp(network: nn.Module) -> bool:
    """Whether the network is Flatten, Linear and ReLU in sequence, and nothing else.

    Neither kinds of these that may compute something of their own, nor hooks.

    >>> plain_mlp(nn.Sequential(nn.Linear(2, 3, bias=False), nn.ReLU(), nn.Linear(3, 2)))
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
    return relu_after_linear and all(type(layer) in _OF_MLPS for layer in layers)


def hooked(network: nn.Module) -> bool:
    """Whether a module of a network has forward hooks: it does more than its layers say."""
    return any(m._forward_hooks or m._forward_pre_hooks for m in network.modules())
