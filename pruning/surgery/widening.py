"""One factor for all widths of a network, found so that it costs what is asked."""

from __future__ import annotations

import functools
import inspect
import math
from collections.abc import Mapping

import torch
from torch import nn

from pruning.core.errors import RequestError
from pruning.core.seeds import set_back, torch_generator
from pruning.inference.cost import count_cost
from pruning.networks.architecture import (
    NETWORKS,
    Architecture,
    architecture_name,
    build_network,
)
from pruning.surgery.find import find_groups
from pruning.surgery.groups import UnitGroup
from pruning.surgery.layer_kinds import add_units, module_sizes, resize

WIDEST = 64.0
"""Factors are sought up to this, and down to its inverse."""
HALVINGS = 12
"""How often the interval around the best factor is halved: to a 4,000th of a doubling."""


def widened(
    architecture: Architecture,
    factor: float,
    num_classes: int,
    input_shape: tuple[int, ...],
    seed: int = 0,
) -> nn.Module:
    """Return a network whose widths are an architecture's times a factor, to be trained.

    A registered architecture is built at the new widths, with its own initialisation. Any
    other keeps its form and gets every group of units that surgery finds scaled; the layers
    that changed are then drawn as torch draws a new layer. Of a network that is given, the
    other layers keep its weights.

    Parameters
    ----------
    architecture
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
    if not factor > 0:
        raise RequestError(f"factor {factor} of widths must be above 0")
    if isinstance(architecture, str) and (widths := _widths(architecture)) is not None:
        name = architecture.partition(":")[0]
        named = f"{name}:{'-'.join(map(str, _scaled(widths, factor)))}"
        return build_network(named, num_classes, input_shape, seed)
    network = build_network(architecture, num_classes, input_shape, seed)
    changed = _other_sizes(network, _groups(architecture, num_classes, input_shape), factor)
    with set_back():
        torch.set_rng_state(torch_generator(seed, "initial", 1).get_state())
        resize(network, changed)
        for name in changed:
            network.get_submodule(name).reset_parameters()  # type: ignore[operator]
    return network


def factor_for_flops(
    architecture: Architecture, num_classes: int, input_shape: tuple[int, ...], flops: float
) -> float:
    """Return the factor under which `widened` comes nearest to a number of FLOPs per sample.

    The interval around the wanted FLOPs is halved again and again; no network is trained or
    run on data.

    Parameters
    ----------
    architecture, num_classes, input_shape
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
        """Return the logarithm of the ratio of the FLOPs to those wanted."""
        if factor not in known:
            counted = _flops(architecture, factor, num_classes, input_shape)
            known[factor] = math.log(max(counted, 1) / flops)
        return known[factor]

    start = 1.0
    step = 2.0 if off(start) < 0 else 0.5
    while 1 / WIDEST < start * step < WIDEST and off(start) * off(start * step) > 0:
        start *= step
    low, high = sorted((start, start * step))
    for _ in range(HALVINGS):
        middle = math.sqrt(low * high)
        low, high = (middle, high) if off(middle) < 0 else (low, middle)
    best = min(known, key=lambda factor: (abs(known[factor]), factor))
    if abs(known[best]) > math.log(2):
        raise RequestError(
            f"architecture {architecture_name(architecture)!r} at {best:.3g} times its widths "
            f"takes {math.exp(known[best]):.0%} of the {flops:.3g} FLOPs wanted, and comes no "
            "nearer"
        )
    return best


def _widths(name: str) -> tuple[int, ...] | None:
    """Return the widths of a registered architecture; None where it has none to give."""
    name, _, rest = name.partition(":")
    if name not in NETWORKS:
        return None
    if rest:
        return tuple(int(part) for part in rest.split("-"))
    parameter = inspect.signature(NETWORKS[name]).parameters.get("widths")
    return None if parameter is None else tuple(parameter.default)


def _groups(
    architecture: Architecture, num_classes: int, input_shape: tuple[int, ...]
) -> tuple[UnitGroup, ...]:
    """Return the groups of an architecture, which are those of any of its draws."""
    if isinstance(architecture, nn.Module):  # which may change: not remembered
        return find_groups(architecture, input_shape)
    return _groups_of_draws(architecture, num_classes, input_shape)


@functools.lru_cache(maxsize=4)
def _groups_of_draws(
    architecture: Architecture, num_classes: int, input_shape: tuple[int, ...]
) -> tuple[UnitGroup, ...]:
    return find_groups(build_network(architecture, num_classes, input_shape, 0), input_shape)


def _scaled(widths: tuple[int, ...], factor: float) -> tuple[int, ...]:
    return tuple(max(1, round(width * factor)) for width in widths)


def _flops(
    architecture: Architecture, factor: float, num_classes: int, input_shape: tuple[int, ...]
) -> float:
    try:
        network = widened(architecture, factor, num_classes, input_shape)
        return count_cost(network, input_shape).flops
    except (RuntimeError, ValueError) as error:
        reason = str(error).strip().splitlines()[0]
        name = architecture_name(architecture)
        raise RequestError(f"architecture {name!r} cannot be widened: {reason}") from error


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
                add_units(sizes[part.module], module, part, more)
                touched.add(part.module)
    return {name: sizes[name] for name in sizes if name in touched}
