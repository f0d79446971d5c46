"""Mask → physically smaller network.

`find_groups` asks Torch-Pruning's dependency graph which channels live and die together;
everything after that (cutting parameters, stored sizes, rebuilding without tracing) is
done here on plain tensors, so that a kept unit keeps exactly the numbers it had.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

from pruning.errors import RequestError

Side = Literal["in", "out", "through"]
Masks = Mapping[str, Tensor]
"""Group name → (units,) bool, True where the unit survives."""

PRODUCERS = (nn.Linear, nn.Conv2d)
POINTWISE = (
    nn.ReLU, nn.ReLU6, nn.LeakyReLU, nn.GELU, nn.SiLU, nn.Hardswish, nn.ELU, nn.Tanh,
    nn.Sigmoid, nn.Identity, nn.Dropout, nn.Dropout2d, nn.BatchNorm1d, nn.BatchNorm2d, nn.PReLU,
)  # fmt: skip


@dataclass(frozen=True)
class Slice:
    """The channels of one side of one module, and which unit each belongs to.

    Attributes
    ----------
    module
        Dotted name in the network.
    side
        ``"out"`` the units it makes, ``"in"`` those it reads, ``"through"`` channels that
        pass one to one (norms, depthwise convolutions).
    owner
        (channels,) int64: unit of the group, or -1 for a channel of another group.
    """

    module: str
    side: Side
    owner: Tensor

    def kept(self, mask: Tensor) -> Tensor:
        """(channels,) bool: which channels survive when the group's units are `mask`."""
        return torch.where(self.owner >= 0, mask[self.owner.clamp(min=0)], True)


@dataclass(frozen=True)
class UnitGroup:
    """Units that are pruned together, each one index of every slice.

    Attributes
    ----------
    name
        The first producer's name.
    size
        Number of units at full width.
    producers
        Modules whose output channels are the units; more than one where a sum couples them.
    taps
        For each producer, the module whose output is the value after norm and activation.
    slices
        Every side of every module that shrinks with the group.
    """

    name: str
    size: int
    producers: tuple[str, ...]
    taps: tuple[str, ...]
    slices: tuple[Slice, ...]


def full_masks(groups: Iterable[UnitGroup]) -> dict[str, Tensor]:
    """Return masks under which every unit survives."""
    return {group.name: torch.ones(group.size, dtype=torch.bool) for group in groups}


def find_groups(network: nn.Module, input_shape: tuple[int, ...]) -> tuple[UnitGroup, ...]:
    """Return the groups of units that may be pruned, in the order of their first producer.

    The layers whose outputs are the logits, and those a network names in its attribute
    ``kept_whole`` (a tuple of module names), are left out.

    Raises
    ------
    RequestError
        If the graph cannot be followed, or no layer can be pruned.
    """
    closures = _closures(network, input_shape)
    names = {name: module for name, module in network.named_modules() if name}
    whole = set(getattr(network, "kept_whole", ()))
    groups = []
    for units in closures:
        sides = {(module, side) for unit in units for module, side, _ in unit}
        producers = tuple(
            n for n in names if (n, "out") in sides and isinstance(names[n], PRODUCERS)
        )
        if whole.intersection(producers) or not any(side == "in" for _, side in sides):
            continue
        slices = tuple(
            _slice(names[module], module, side, units)
            for module, side in sorted(sides, key=lambda s: (list(names).index(s[0]), s[1]))
        )
        taps = tuple(_tap(names, producer) for producer in producers)
        groups.append(UnitGroup(producers[0], len(units), producers, taps, slices))
    if not groups:
        raise RequestError(
            f"{type(network).__name__} has no layer that can be pruned; "
            "it needs a Linear or Conv2d layer before its output layer"
        )
    return tuple(groups)


def shrink(network: nn.Module, groups: Sequence[UnitGroup], masks: Masks) -> nn.Module:
    """Return a physically smaller copy that holds only the surviving units.

    Parameters
    ----------
    network
        The full-width network; it is left unchanged.
    groups
        From `find_groups` on that network.
    masks
        One mask a group; each keeps at least one unit.
    """
    kept: dict[tuple[str, Side], Tensor] = {}
    for group in groups:
        mask = masks[group.name]
        if mask.shape != (group.size,) or mask.dtype != torch.bool or not mask.any():
            raise ValueError(
                f"mask of {group.name} is {mask.dtype} of shape {tuple(mask.shape)} with "
                f"{int(mask.sum())} kept; expected bool ({group.size},) keeping at least 1"
            )
        for part in group.slices:
            key = (part.module, part.side)
            channels = part.kept(mask)
            kept[key] = kept[key] & channels if key in kept else channels
    small = copy.deepcopy(network)
    for (name, side), channels in kept.items():
        _cut(small.get_submodule(name), side, channels.nonzero().flatten())
    return small


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

    The parameters are new and uninitialised: load a state dict next. Nothing of the
    stored file is run.

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
        if not all(isinstance(n, int) and 0 < n < 2**24 for n in stored.values()):
            raise ValueError(f"stored sizes of {name!r} must be positive: {dict(stored)}")
        for attribute, value in stored.items():
            setattr(modules[name], attribute, value)
        for key, shape in _shapes(modules[name]).items():
            _replace(modules[name], key, torch.empty(shape))
    return network


_SIZES: dict[type[nn.Module], tuple[str, ...]] = {
    nn.Linear: ("in_features", "out_features"),
    nn.Conv2d: ("in_channels", "out_channels", "groups"),
    nn.BatchNorm1d: ("num_features",),
    nn.BatchNorm2d: ("num_features",),
}


def _kind(module: nn.Module) -> type[nn.Module] | None:
    return next((kind for kind in _SIZES if isinstance(module, kind)), None)


def _shapes(module: nn.Module) -> dict[str, tuple[int, ...]]:
    if isinstance(module, nn.Linear):
        shapes = {"weight": (module.out_features, module.in_features)}
        return shapes | ({"bias": (module.out_features,)} if module.bias is not None else {})
    if isinstance(module, nn.Conv2d):
        fan = (module.out_channels, module.in_channels // module.groups, *module.kernel_size)
        return {"weight": fan} | (
            {"bias": (module.out_channels,)} if module.bias is not None else {}
        )
    keys = ("weight", "bias", "running_mean", "running_var")
    features = int(module.num_features)  # type: ignore[arg-type]
    return {key: (features,) for key in keys if getattr(module, key) is not None}


def _replace(module: nn.Module, key: str, value: Tensor) -> None:
    if key in module._parameters:
        old = module._parameters[key]
        module._parameters[key] = nn.Parameter(
            value, requires_grad=old is None or old.requires_grad
        )
    else:
        module._buffers[key] = value


def _cut(module: nn.Module, side: Side, index: Tensor) -> None:
    keys = ("weight", "bias", "running_mean", "running_var")
    axis = 1 if side == "in" else 0
    for key in keys[:1] if side == "in" else keys:
        if (value := getattr(module, key, None)) is not None:
            cut = value.detach().index_select(axis, index.to(value.device))
            _replace(module, key, cut.clone(memory_format=torch.contiguous_format))
    count = len(index)
    if isinstance(module, nn.Linear):
        setattr(module, "in_features" if side == "in" else "out_features", count)
    elif isinstance(module, nn.Conv2d) and side == "through":
        module.in_channels = module.out_channels = module.groups = count
    elif isinstance(module, nn.Conv2d):
        setattr(module, "in_channels" if side == "in" else "out_channels", count)
    elif isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d):
        module.num_features = count


def _slice(
    module: nn.Module, name: str, side: Side, units: Sequence[frozenset[tuple[str, Side, int]]]
) -> Slice:
    axis = 1 if side == "in" else 0
    weight = module.weight
    assert isinstance(weight, Tensor)
    owner = torch.full((weight.shape[axis],), -1, dtype=torch.int64)
    for unit, channels in enumerate(units):
        owner[[c for n, s, c in channels if (n, s) == (name, side)]] = unit
    return Slice(name, side, owner)


def _tap(modules: Mapping[str, nn.Module], producer: str) -> str:
    """Follow the pointwise modules written right after the producer in its container."""
    parent, _, _ = producer.rpartition(".")
    siblings = [n for n in modules if n.rpartition(".")[0] == parent]
    tap = producer
    for name in siblings[siblings.index(producer) + 1 :]:
        if not isinstance(modules[name], POINTWISE):
            break
        tap = name
    return tap


def _closures(
    network: nn.Module, input_shape: tuple[int, ...]
) -> list[list[frozenset[tuple[str, Side, int]]]]:
    """Return, group by group, each unit's channels; the adapter over Torch-Pruning."""
    import torch_pruning

    probe = copy.deepcopy(network).eval()
    name_of = {module: name for name, module in probe.named_modules()}
    example = torch.zeros(1, *input_shape)
    try:
        graph = torch_pruning.DependencyGraph().build_dependency(
            probe, example_inputs=example, verbose=False
        )
    except Exception as error:
        raise RequestError(
            f"the graph of {type(network).__name__} cannot be followed on an input of shape "
            f"{input_shape}: {type(error).__name__}: {error}".splitlines()[0]
        ) from error
    groups: list[list[frozenset[tuple[str, Side, int]]]] = []
    seen: set[tuple[str, Side, int]] = set()
    for module in [m for m in probe.modules() if isinstance(m, PRODUCERS) and not _depthwise(m)]:
        prune = graph.get_pruner_of_module(module).prune_out_channels
        if (name_of[module], "out", 0) in seen:
            continue
        units = []
        for channel in range(module.weight.shape[0]):
            coupled = graph.get_pruning_group(module, prune, [channel])
            unit = frozenset(
                (name_of[dep.target.module], _side(dep), int(index))
                for dep, indices in coupled
                if dep.target.module in name_of
                for index in indices
            )
            units.append(unit)
            seen |= unit
        groups.append(units)
    return groups


def _depthwise(module: nn.Module) -> bool:
    return isinstance(module, nn.Conv2d) and module.groups == module.out_channels > 1


def _side(dep: object) -> Side:
    module = dep.target.module  # type: ignore[attr-defined]
    if not isinstance(module, PRODUCERS) or _depthwise(module):
        return "through"
    return "in" if dep.handler.__name__.endswith("in_channels") else "out"  # type: ignore[attr-defined]
