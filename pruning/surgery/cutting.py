"""The two readings of a mask: the network cut down, and the network masked."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from pruning.core.errors import RequestError
from pruning.surgery.groups import Masks, Side, Slice, UnitGroup
from pruning.surgery.layer_kinds import channel_axis, channel_count, cut


def shrink(network: nn.Module, groups: Sequence[UnitGroup], masks: Masks) -> nn.Module:
    """Return a physically smaller copy that holds only the surviving units.

    Parameters
    ----------
    network
        The full-width network; it is left unchanged.
    groups
        From `find_groups` on that network.
    masks
        Group name → (units,) bool, an array or a tensor: a mask for each group, each keeping at
        least one unit. `full_masks` makes masks that keep all.

    Raises
    ------
    RequestError
        If masks do not fit the groups, or the groups not the network.

    >>> from pruning.surgery import find_groups
    >>> network = nn.Sequential(nn.Linear(4, 3), nn.ReLU(), nn.Linear(3, 2))
    >>> groups = find_groups(network, (4,))
    >>> shrink(network, groups, {"0": torch.tensor([True, False, True])})[2]
    Linear(in_features=2, out_features=2, bias=True)
    """
    small = copy.deepcopy(network)
    modules = dict(small.named_modules())
    for (name, side), channels in kept_channels(groups, masks).items():
        found = channel_count(modules[name], side) if name in modules else 0
        if found != len(channels):
            raise RequestError(
                f"the groups are of another network: layer {name!r} has {found} channels "
                f"({side}), in the groups {len(channels)}; call find_groups on this network"
            )
        if not channels.all():
            cut(modules[name], side, channels.nonzero().flatten())
    return small


@contextmanager
def masked(network: nn.Module, groups: Sequence[UnitGroup], masks: Masks) -> Iterator[nn.Module]:
    """Yield the full-width network, made to compute what `shrink` will.

    While the context is open every consumer's input (after norm and activation) is
    multiplied by the mask.
    """
    with ExitStack() as stack:
        for (name, side), channels in kept_channels(groups, masks).items():
            if side == "in":
                hook = network.get_submodule(name).register_forward_pre_hook(
                    _silence(channels), with_kwargs=True
                )
                stack.callback(hook.remove)
        yield network


def remaining_groups(groups: Sequence[UnitGroup], masks: Masks) -> tuple[UnitGroup, ...]:
    """Return the groups of the smaller network that `shrink` makes under these masks."""
    kept = kept_channels(groups, masks)
    found = []
    for group in groups:
        mask = _checked_mask(group, masks)
        position = torch.cat([mask.cumsum(0) - 1, torch.tensor([-1])])
        slices = tuple(
            Slice(part.module, part.side, position[part.owner[kept[part.module, part.side]]])
            for part in group.slices
        )
        found.append(dataclasses.replace(group, size=int(mask.sum()), slices=slices))
    return tuple(found)


def kept_channels(groups: Sequence[UnitGroup], masks: Masks) -> dict[tuple[str, Side], Tensor]:
    """Return for every side of every module that the groups touch which channels survive."""
    kept: dict[tuple[str, Side], Tensor] = {}
    for group in groups:
        mask = _checked_mask(group, masks)
        for part in group.slices:
            key = (part.module, part.side)
            channels = part.kept(mask)
            kept[key] = kept[key] & channels if key in kept else channels
    return kept


def _checked_mask(group: UnitGroup, masks: Masks) -> Tensor:
    if group.name not in masks:
        raise RequestError(
            f"no mask for group {group.name!r}; there are masks for "
            f"{', '.join(map(repr, masks)) or 'none'}: start from full_masks(groups)"
        )
    mask = torch.as_tensor(masks[group.name]).cpu()
    if mask.shape != (group.size,) or mask.dtype != torch.bool or not mask.any():
        raise RequestError(
            f"mask of {group.name!r} is {mask.dtype} of shape {tuple(mask.shape)} with "
            f"{int((mask != 0).sum())} kept; expected bool ({group.size},) keeping at least 1"
        )
    return mask


def _silence(channels: Tensor) -> Callable[..., tuple[tuple[Any, ...], dict[str, Any]]]:
    def hook(
        module: nn.Module, inputs: tuple[Any, ...], named: dict[str, Any]
    ) -> tuple[tuple[Any, ...], dict[str, Any]]:
        given = inputs or tuple(named.values())  # layers have one input, by place or by name
        value = given[0]
        shape = [1] * value.ndim
        shape[channel_axis(module, value.ndim)] = -1
        masked_value = value * channels.to(value.device).reshape(shape)
        if inputs:
            return (masked_value, *inputs[1:]), named
        return inputs, {**named, next(iter(named)): masked_value}

    return hook
