"""The two readings of a mask: the network cut down, and the network masked."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from pruning.surgery.groups import Masks, Side, Slice, UnitGroup
from pruning.surgery.layer_kinds import channel_axis, cut


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
    small = copy.deepcopy(network)
    for (name, side), channels in kept_channels(groups, masks).items():
        if not channels.all():
            cut(small.get_submodule(name), side, channels.nonzero().flatten())
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
                hook = network.get_submodule(name).register_forward_pre_hook(_silence(channels))
                stack.callback(hook.remove)
        yield network


def remaining_groups(groups: Sequence[UnitGroup], masks: Masks) -> tuple[UnitGroup, ...]:
    """Return the groups of the smaller network that `shrink` makes under these masks."""
    kept = kept_channels(groups, masks)
    found = []
    for group in groups:
        position = torch.cat([masks[group.name].cumsum(0) - 1, torch.tensor([-1])])
        slices = tuple(
            Slice(part.module, part.side, position[part.owner[kept[part.module, part.side]]])
            for part in group.slices
        )
        size = int(masks[group.name].sum())
        found.append(dataclasses.replace(group, size=size, slices=slices))
    return tuple(found)


def kept_channels(groups: Sequence[UnitGroup], masks: Masks) -> dict[tuple[str, Side], Tensor]:
    """Return for every side of every module that the groups touch which channels survive."""
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
    return kept


def _silence(channels: Tensor) -> Callable[[nn.Module, tuple[Any, ...]], tuple[Any, ...]]:
    def hook(module: nn.Module, inputs: tuple[Any, ...]) -> tuple[Any, ...]:
        value, *rest = inputs
        shape = [1] * value.ndim
        shape[channel_axis(module, value.ndim)] = -1
        return (value * channels.to(value.device).reshape(shape), *rest)

    return hook
