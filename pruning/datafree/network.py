"""Data-free parameter pruning (Srinivas & Babu 2015) of a trained network.

No data is read and nothing is retrained: similar units are merged, earlier layers first.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from pruning.core.errors import RequestError
from pruning.datafree.merging import (
    Array,
    Merge,
    data_free_cutoff,
    differences,
    merge_units,
)
from pruning.datafree.settings import Saliency
from pruning.surgery import UnitGroup, find_groups, full_masks, shrink
from pruning.surgery.groups import Slice


@dataclass(frozen=True, eq=False)
class DataFree:
    """What data-free pruning made.

    Attributes
    ----------
    network
        The physically smaller network, in eval mode.
    masks
        Group name → (units,) bool, over the full width of what was given.
    merges
        Layer → its removals in order.
    """

    network: nn.Module
    masks: Mapping[str, Tensor]
    merges: Mapping[str, tuple[Merge, ...]]


def prune_data_free(
    network: nn.Module,
    input_shape: tuple[int, ...],
    *,
    count: Mapping[str, int] | None = None,
    fraction: float | None = None,
    saliency: Saliency = "exact",
) -> DataFree:
    """Merge similar units of a trained network.

    Weight sets are scaled to unit norm and the norm folded into the outgoing weights where
    the activation allows it (ReLU: f(c·x) = c·f(x) for c > 0); this is found by trying.

    Parameters
    ----------
    network
        Trained; left unchanged.
    input_shape
        One sample's.
    count
        Layer → units to remove. Without it every Linear layer that can be merged is.
    fraction
        Share of each layer's units to remove, in [0, 1), in place of `count`. With neither,
        each layer stops at its data-free cut-off.
    saliency
        See `pruning.datafree.merging.differences`. Exact by default: on the MNIST LeNet never worse
        than the paper's heuristic, and 5 points better where 470 of 500 units go
        (``results/benchmarks/pruning-datafree.md``).

    Raises
    ------
    RequestError
        If a layer of `count` cannot be merged, or a number is out of range.

    >>> network = nn.Sequential(nn.Linear(4, 3), nn.ReLU(), nn.Linear(3, 2))
    >>> prune_data_free(network, (4,), count={"0": 1}).network[0]
    Linear(in_features=4, out_features=2, bias=True)
    """
    if fraction is not None and (count is not None or not 0 <= fraction < 1):
        raise RequestError(f"fraction {fraction} must lie in [0, 1), and count not be given too")
    groups = find_groups(network, input_shape)
    merged = copy.deepcopy(network).eval()
    masks = full_masks(groups)
    merges: dict[str, tuple[Merge, ...]] = {}
    for group in _chosen(network, groups, count):
        unit_norm = _scales(merged, group, input_shape)
        wanted = None if count is None else count[group.name]
        if fraction is not None:
            wanted = int(fraction * group.size)
        merges[group.name] = _merge(merged, group, wanted, saliency, unit_norm=unit_norm)
        masks[group.name][[merge.removed for merge in merges[group.name]]] = False
    return DataFree(shrink(merged, groups, masks), masks, merges)


def check_mergeable(
    network: nn.Module, input_shape: tuple[int, ...], count: Mapping[str, int] | None = None
) -> tuple[str, ...]:
    """Return the layers that `prune_data_free` would merge; nothing is changed.

    Raises
    ------
    RequestError
        If it could not.

    >>> check_mergeable(nn.Sequential(nn.Linear(4, 3), nn.ReLU(), nn.Linear(3, 2)), (4,))
    ('0',)
    """
    return tuple(g.name for g in _chosen(network, find_groups(network, input_shape), count))


def _chosen(
    network: nn.Module, groups: tuple[UnitGroup, ...], count: Mapping[str, int] | None
) -> list[UnitGroup]:
    """Return the groups to merge, in the network's order."""
    able = {group.name: group for group in groups if _mergeable(group)}
    if count is None:
        chosen = [g for n, g in able.items() if isinstance(network.get_submodule(n), nn.Linear)]
        if not chosen:
            raise RequestError(
                f"{type(network).__name__} has no Linear layer that can be merged; "
                f"name others by count: {', '.join(able) or 'there are none'}"
            )
        return chosen
    for name, number in count.items():
        if name not in able:
            raise RequestError(
                f"layer {name!r} cannot be merged; these can: {', '.join(able) or 'none'}"
            )
        if not 0 <= number < able[name].size:
            raise RequestError(
                f"cannot remove {number} of the {able[name].size} units of layer {name!r}; "
                f"choose 0 … {able[name].size - 1}"
            )
    return [group for name, group in able.items() if name in count]


def _mergeable(group: UnitGroup) -> bool:
    """Whether one layer makes the units and nothing but weights reads them."""
    sides = [part.side for part in group.slices]
    owner = group.owner(group.name, "out")
    return sides.count("out") == 1 and "through" not in sides and len(owner) == group.size


def _merge(
    network: nn.Module,
    group: UnitGroup,
    count: int | None,
    saliency: Saliency,
    *,
    unit_norm: bool,
) -> tuple[Merge, ...]:
    producer = network.get_submodule(group.name)
    weights = _array(producer.get_parameter("weight").flatten(1))
    given = producer.bias
    bias = _array(given) if isinstance(given, Tensor) else np.zeros(len(weights))
    norms = np.linalg.norm(weights, axis=1) if unit_norm else np.ones(len(weights))
    norms[norms == 0] = 1
    distances = differences(weights / norms[:, None], bias / norms, saliency)
    outgoing = _outgoing(network, group) * norms[:, None]
    if count is None:
        _, every = merge_units(distances, outgoing, group.size - 1)
        count = data_free_cutoff(np.array([merge.saliency for merge in every]))
    merged, merges = merge_units(distances, outgoing, count)
    _set_outgoing(network, group, merged / norms[:, None])
    return merges


def _outgoing(network: nn.Module, group: UnitGroup) -> Array:
    """Return (units, m): every weight that reads a unit, one row per unit."""
    parts = [_columns(network, part.module)[_own(part)] for part in _readers(group)]
    return np.concatenate([_array(p.reshape(group.size, -1)) for p in parts], axis=1)


def _set_outgoing(network: nn.Module, group: UnitGroup, values: Array) -> None:
    start = 0
    for part in _readers(group):
        columns, own = _columns(network, part.module), _own(part)
        length = columns[own].numel() // group.size
        block = torch.from_numpy(values[:, start : start + length]).to(columns)
        columns[own] = block.reshape(columns[own].shape)
        start += length


def _readers(group: UnitGroup) -> list[Slice]:
    return [part for part in group.slices if part.side == "in"]


def _own(part: Slice) -> Tensor:
    """Return the channels that the group's units come in by, unit by unit; others are not its."""
    return part.owner.argsort(stable=True)[int((part.owner < 0).sum()) :]


def _columns(network: nn.Module, name: str) -> Tensor:
    """Return a layer's weight with its input channels first; a view."""
    return network.get_submodule(name).get_parameter("weight").detach().transpose(0, 1)


def _array(tensor: Tensor) -> Array:
    return tensor.detach().cpu().double().numpy().astype(np.float64)


@torch.inference_mode()
def _scales(network: nn.Module, group: UnitGroup, input_shape: tuple[int, ...]) -> bool:
    """Whether a layer's output can be doubled and its readers' weights halved, to no effect."""
    trial = copy.deepcopy(network)
    for key in ("weight", "bias"):
        if (tensor := getattr(trial.get_submodule(group.name), key)) is not None:
            tensor.mul_(2)
    for part in _readers(group):
        _columns(trial, part.module)[_own(part)] /= 2
    stored = next(network.parameters())
    sample = torch.linspace(-1, 1, int(np.prod(input_shape)), dtype=stored.dtype).to(stored.device)
    sample = sample.reshape(1, *input_shape)
    return torch.allclose(trial(sample), network(sample), rtol=1e-3, atol=1e-5)
