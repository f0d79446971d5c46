"""What a network has come to hold beside its parameters and buffers, such as a count of passes."""

from __future__ import annotations

import random
from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType
from typing import Any

import numpy as np
from torch import Tensor, nn

_NETWORKS_OWN = frozenset(vars(nn.Module()))
_AS_THEY_ARE = (type, FunctionType, BuiltinFunctionType, ModuleType)

Seen = dict[tuple[int, int], tuple[Any, Any]]
"""Pairs that are compared, or have been; held, so that no other value gets their addresses."""


def changed_beside_tensors(network: nn.Module, began: nn.Module) -> bool:
    """Whether training has changed what a network holds beside parameters and buffers.

    Parameters
    ----------
    network, began
        A copy that was trained, and what it was copied from.

    >>> import copy
    >>> class Counting(nn.Linear):
    ...     passes = 0
    ...     def forward(self, x):
    ...         self.passes += 1
    ...         return super().forward(x)
    >>> began = Counting(2, 2)
    >>> network = copy.deepcopy(began)
    >>> changed_beside_tensors(network, began)
    False
    >>> _ = network(network.weight)
    >>> changed_beside_tensors(network, began)
    True
    """
    pairs = zip(network.modules(), began.modules(), strict=True)
    seen: Seen = {}
    return not all(
        _same(_beside(one), _beside(other), seen) and _same(_extra(one), _extra(other), seen)
        for one, other in pairs
    )


def _beside(module: nn.Module) -> dict[str, Any]:
    return {name: value for name, value in vars(module).items() if name not in _NETWORKS_OWN}


def _extra(module: nn.Module) -> object:
    """Return what the module keeps in its state dict that may be no tensor."""
    given = type(module).get_extra_state is not nn.Module.get_extra_state
    return module.get_extra_state() if given else None


def _same(one: Any, other: Any, seen: Seen) -> bool:
    """Whether two values hold the same; what is a value of no known kind, by its attributes."""
    if one is other or (id(one), id(other)) in seen:
        return True
    seen[id(one), id(other)] = one, other
    if type(one) is not type(other) or isinstance(one, _AS_THEY_ARE):
        return False
    if isinstance(one, MethodType):
        return one.__func__ is other.__func__
    if isinstance(one, random.Random):
        return bool(one.getstate() == other.getstate())
    if isinstance(one, Tensor | np.ndarray):
        return one.shape == other.shape and bool((one == other).all())
    if isinstance(one, dict):
        keys = list(one) == list(other)
        return keys and all(_same(one[key], other[key], seen) for key in one)
    if isinstance(one, list | tuple):
        pairs = zip(one, other, strict=False)
        return len(one) == len(other) and all(_same(a, b, seen) for a, b in pairs)
    if hasattr(one, "__dict__"):
        return _same(vars(one), vars(other), seen)
    return bool(one == other)
