"""The kinds of layer that surgery can cut: their sizes, their tensors, their sides."""

from __future__ import annotations

from collections.abc import Mapping
from math import prod

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from pruning.surgery.groups import Side, Slice

BatchNorm = _BatchNorm
CONVOLUTIONS = (nn.Conv1d, nn.Conv2d, nn.Conv3d)
PRODUCERS = (nn.Linear, *CONVOLUTIONS)

_CONV_SIZES = ("in_channels", "out_channels", "groups")
_SIZES: dict[type[nn.Module], tuple[str, ...]] = {
    nn.Linear: ("in_features", "out_features"),
    nn.Conv1d: _CONV_SIZES,
    nn.Conv2d: _CONV_SIZES,
    nn.Conv3d: _CONV_SIZES,
    BatchNorm: ("num_features",),
    nn.PReLU: ("num_parameters",),
}
_LARGEST = 2**31
_KEYS = ("weight", "bias", "running_mean", "running_var")


def module_sizes(network: nn.Module) -> dict[str, dict[str, int]]:
    """Return the sizes of every layer that surgery may change: what `resize` needs.

    >>> module_sizes(nn.Sequential(nn.Linear(4, 2)))
    {'0': {'in_features': 4, 'out_features': 2}}
    """
    return {
        name: {attribute: getattr(module, attribute) for attribute in _SIZES[kind]}
        for name, module in network.named_modules()
        if (kind := _kind(module)) is not None
    }


def resize(network: nn.Module, sizes: Mapping[str, Mapping[str, int]]) -> nn.Module:
    """Set each named module to its stored sizes, in place and without tracing; return it.

    Where a size changes, the parameters are new and uninitialised: load a state dict next.
    Nothing of the stored file is run.

    Raises
    ------
    ValueError
        If a name, a kind of module or a size does not fit the network.
    """
    modules = dict(network.named_modules())
    for name, stored in sizes.items():
        kind = _kind(modules[name]) if name in modules else None
        if kind is None or set(stored) != set(_SIZES[kind]):
            raise ValueError(f"stored sizes {dict(stored)} do not fit module {name!r}")
        _check(name, stored)
        if all(getattr(modules[name], key) == value for key, value in stored.items()):
            continue  # such as one under a parametrization, which is never cut
        for attribute, value in stored.items():
            setattr(modules[name], attribute, value)
        for key, shape in _shapes(modules[name]).items():
            dtype = getattr(modules[name], key).dtype
            _replace(modules[name], key, torch.empty(shape, dtype=dtype))
    return network


def add_units(sizes: dict[str, int], module: nn.Module, part: Slice, units: int) -> None:
    """Add units to one side of a module's sizes; a negative number takes some away."""
    channels = int((part.owner == 0).sum()) * units
    if isinstance(module, nn.Linear):
        sizes["in_features" if part.side == "in" else "out_features"] += channels
    elif isinstance(module, CONVOLUTIONS) and part.side == "through":
        paths = channels // (module.out_channels // module.groups)
        sizes["in_channels"] += module.in_channels // module.groups * paths
        sizes["out_channels"] += channels
        sizes["groups"] += paths
    elif isinstance(module, CONVOLUTIONS):
        sizes["in_channels" if part.side == "in" else "out_channels"] += channels
    else:
        sizes["num_features" if isinstance(module, BatchNorm) else "num_parameters"] += channels


def cut(module: nn.Module, side: Side, index: Tensor) -> None:
    """Keep only the channels `index` of one side of a layer, in place.

    A grouped convolution is cut path by path: `index` holds whole groups of its output
    channels, and the input channels of the others go with them.
    """
    axis = 1 if side == "in" else 0
    for key in _KEYS[:1] if side == "in" else _KEYS:
        if (value := getattr(module, key, None)) is not None:
            kept = value.detach().index_select(axis, index.to(value.device))
            _replace(module, key, kept.clone(memory_format=torch.contiguous_format))
    count = len(index)
    if isinstance(module, nn.Linear):
        setattr(module, "in_features" if side == "in" else "out_features", count)
    elif isinstance(module, CONVOLUTIONS) and side == "through":
        paths = count // (module.out_channels // module.groups)
        module.in_channels = module.in_channels // module.groups * paths
        module.out_channels, module.groups = count, paths
    elif isinstance(module, CONVOLUTIONS):
        setattr(module, "in_channels" if side == "in" else "out_channels", count)
    elif isinstance(module, BatchNorm):
        module.num_features = count
    elif isinstance(module, nn.PReLU):
        module.num_parameters = count


def channel_count(module: nn.Module, side: Side) -> int:
    """Return how many channels one side of a layer has."""
    if isinstance(module, nn.Linear):
        return module.in_features if side == "in" else module.out_features
    if isinstance(module, CONVOLUTIONS):
        return module.in_channels if side == "in" else module.out_channels
    kind = _kind(module)
    return 0 if kind is None else int(getattr(module, _SIZES[kind][0]))


def channel_axis(module: nn.Module, ndim: int) -> int:
    """Return the axis of a layer's input (or output) of `ndim` axes that holds channels."""
    if isinstance(module, nn.Linear):
        return ndim - 1
    if isinstance(module, CONVOLUTIONS):
        return ndim - 1 - len(module.kernel_size)
    return 1


def _kind(module: nn.Module) -> type[nn.Module] | None:
    return next((kind for kind in _SIZES if isinstance(module, kind)), None)


def _check(name: str, stored: Mapping[str, int]) -> None:
    sizes, groups = list(stored.values()), stored.get("groups", 1)
    # Sides × sides ÷ groups: the weights of a linear layer or a 1×1 convolution.
    possible = all(type(n) is int and n > 0 for n in sizes) and prod(sizes) // groups**2 < _LARGEST
    if not possible:
        raise ValueError(
            f"stored sizes of {name!r} must be positive, of layers with fewer than 2³¹ weights: "
            f"{dict(stored)}"
        )
    if any(n % groups for n in sizes):
        raise ValueError(f"stored sizes of {name!r} do not divide into {groups} groups")


def _shapes(module: nn.Module) -> dict[str, tuple[int, ...]]:
    shapes: dict[str, tuple[int, ...]] = {}
    if isinstance(module, nn.Linear):
        shapes["weight"] = (module.out_features, module.in_features)
        width = module.out_features
    elif isinstance(module, CONVOLUTIONS):
        fan = module.in_channels // module.groups
        shapes["weight"] = (module.out_channels, fan, *module.kernel_size)
        width = module.out_channels
    else:
        width = getattr(module, _SIZES[_kind(module) or BatchNorm][0])
    rest = [key for key in _KEYS if key not in shapes and getattr(module, key, None) is not None]
    return shapes | dict.fromkeys(rest, (width,))


def _replace(module: nn.Module, key: str, value: Tensor) -> None:
    old = getattr(module, key)
    parameter = isinstance(old, nn.Parameter)
    setattr(module, key, nn.Parameter(value, old.requires_grad) if parameter else value)
