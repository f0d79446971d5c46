"""One factor on all widths, so that a network costs what it is asked to cost."""

from __future__ import annotations

import functools
import inspect
import math
from collections.abc import Mapping

import torch
from torch import nn

from pruning.core.errors import RequestError
from pruning.core.seeds import torch_generator
from pruning.inference.cost import count_cost
from pruning.networks.architecture import NETWORKS, build_network
from pruning.surgery.find import find_groups
from pruning.surgery.groups import Slice, UnitGroup
from pruning.surgery.layer_kinds import CONVOLUTIONS, BatchNorm, module_sizes, resize

WIDEST = 64.0
"""Factors are sought up to this, and down to its inverse."""


def widened(
    arch: str, factor: float, num_classes: int, input_shape: tuple[int, ...], seed: int = 0
) -> nn.Module:
    """Return a freshly initialised network whose widths are an architecture's times a factor.

    A registered architecture is built at the new widths, with its own initialisation. Any
    other keeps its form and gets every group of units that surgery finds scaled; the layers
    that changed are then drawn as torch draws a new layer.

    Parameters
    ----------
    arch
        As in `build_network`.
    factor
        Above 0; each width is rounded, and at least 1.
    num_classes, input_shape, seed
        As in `build_network`.

    Raises
    ------
    RequestError
        If the network has no width to scale, or does not run at other widths.

    >>> [layer.out_features for layer in widened("mlp-a", 1.5, 10, (4,)) if hasattr(layer, "bias")]
    [60, 60, 10]
    """
    if (widths := _widths(arch)) is not None:
        named = f"{arch.partition(':')[0]}:{'-'.join(map(str, _scaled(widths, factor)))}"
        return build_network(named, num_classes, input_shape, seed)
    network = build_network(arch, num_classes, input_shape, seed)
    changed = _other_sizes(network, _groups(arch, num_classes, input_shape), factor)
    with torch.random.fork_rng(devices=[]):
        torch.set_rng_state(torch_generator(seed, "initial", 1).get_state())
        resize(network, changed)
        for name in changed:
            network.get_submodule(name).reset_parameters()  # type: ignore[operator]
    return network


def factor_for_flops(
    arch: str, num_classes: int, input_shape: tuple[int, ...], flops: float
) -> float:
    """Return the factor under which `widened` comes nearest to a number of FLOPs a sample.

    The counted FLOPs are halved in on; no network is trained or run on data.

    Parameters
    ----------
    arch, num_classes, input_shape
        As in `build_network`.
    flops
        Wanted, per sample, above 0.

    Raises
    ------
    RequestError
        As `widened`; or if no factor comes within half and twice `flops`.
    """
    known: dict[float, float] = {}

    def off(factor: float) -> float:
        """How far the logarithm of the FLOPs lies from what is wanted."""
        if factor not in known:
            counted = _flops(arch, factor, num_classes, input_shape)
            known[factor] = math.log(max(counted, 1) / flops)
        return known[factor]

    start = 1.0
    step = 2.0 if off(start) < 0 else 0.5
    while 1 / WIDEST < start * step <= WIDEST and off(start) * off(start * step) > 0:
        start *= step
    low, high = sorted((start, start * step))
    for _ in range(12):
        middle = math.sqrt(low * high)
        low, high = (middle, high) if off(middle) < 0 else (low, middle)
    best = min(known, key=lambda factor: (abs(known[factor]), factor))
    if abs(known[best]) > math.log(2):
        raise RequestError(
            f"architecture {arch!r} at {best:.3g} times its widths takes "
            f"{math.exp(known[best]):.0%} of the {flops:.3g} FLOPs wanted, and comes no nearer"
        )
    return best


def _widths(arch: str) -> tuple[int, ...] | None:
    """Return the widths of a registered architecture; None where it has none to give."""
    name, _, rest = arch.partition(":")
    if name not in NETWORKS:
        return None
    if rest:
        return tuple(int(part) for part in rest.split("-"))
    parameter = inspect.signature(NETWORKS[name]).parameters.get("widths")
    return None if parameter is None else tuple(parameter.default)


@functools.lru_cache(maxsize=4)
def _groups(arch: str, num_classes: int, input_shape: tuple[int, ...]) -> tuple[UnitGroup, ...]:
    """Return the groups of an architecture, which are those of any of its draws."""
    return find_groups(build_network(arch, num_classes, input_shape, 0), input_shape)


def _scaled(widths: tuple[int, ...], factor: float) -> tuple[int, ...]:
    return tuple(max(1, round(width * factor)) for width in widths)


def _flops(arch: str, factor: float, num_classes: int, input_shape: tuple[int, ...]) -> float:
    try:
        network = widened(arch, factor, num_classes, input_shape)
        return count_cost(network, input_shape).flops
    except (RuntimeError, ValueError) as error:
        reason = str(error).strip().splitlines()[0]
        raise RequestError(f"architecture {arch!r} cannot be widened: {reason}") from error


def _other_sizes(
    network: nn.Module, groups: tuple[UnitGroup, ...], factor: float
) -> Mapping[str, Mapping[str, int]]:
    """Return the sizes of the modules that change when each group's units are scaled."""
    sizes = module_sizes(network)
    touched = set()
    for group in groups:
        more = max(1, round(group.size * factor)) - group.size
        for part in group.slices:
            if part.module in sizes and more:
                module = network.get_submodule(part.module)
                _add(sizes[part.module], module, part, more)
                touched.add(part.module)
    return {name: sizes[name] for name in sizes if name in touched}


def _add(sizes: dict[str, int], module: nn.Module, part: Slice, units: int) -> None:
    """Add so many units (or fewer) to one side of a module's sizes."""
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
