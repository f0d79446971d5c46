"""Which channels are masked together and which cut together: one mask per group, or per layer.

Channels that a sum or a depthwise convolution couples can only be cut together. By default
they are masked together as well (``"joint"``). The published code of Tan & Motani 2020 gives
every layer a mask of its own (``"independent"``): then a channel is cut when no layer that makes
it keeps it, and one that another layer still makes is *silent*, there but always 0.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, get_args

import torch
from torch import Tensor, nn

from pruning.core.errors import RequestError, unknown_name
from pruning.core.seeds import torch_generator
from pruning.dropnet.settings import Coupling
from pruning.surgery import Masks, UnitGroup, full_masks, shrink
from pruning.surgery.cutting import remaining_groups
from pruning.surgery.groups import Slice


@dataclass(frozen=True, eq=False)
class Silence:
    """A forward hook that multiplies some channels of a layer's value by 0."""

    kept: Tensor
    axis: int

    def __call__(self, module: nn.Module, inputs: object, output: Tensor) -> Tensor:
        """Return the value without the silent channels."""
        shape = [1] * output.ndim
        shape[self.axis] = -1
        return output * self.kept.to(output).reshape(shape)


@dataclass(frozen=True)
class PrunableUnits:
    """The units of a network that a run masks, and the groups of them that surgery cuts.

    Attributes
    ----------
    groups
        Channels that are cut together.
    masked
        Units that are masked together: the groups themselves, or one group per layer.
    """

    groups: tuple[UnitGroup, ...]
    masked: tuple[UnitGroup, ...]

    @classmethod
    def of(cls, groups: Sequence[UnitGroup], coupling: Coupling) -> PrunableUnits:
        """Return the units of a network's groups."""
        if coupling not in get_args(Coupling):
            raise unknown_name("coupling", coupling, get_args(Coupling))
        if coupling == "joint":
            return cls(tuple(groups), tuple(groups))
        return cls(tuple(groups), tuple(part for group in groups for part in _layers(group)))

    @property
    def independent(self) -> bool:
        """Whether some layer has a mask of its own beside another of its group."""
        return len(self.masked) > len(self.groups)

    def cut(self, masks: Masks) -> dict[str, Tensor]:
        """Return the masks of the groups: a unit stays if any layer that makes it keeps it."""
        if not self.independent:
            return {group.name: masks[group.name] for group in self.groups}
        found = {}
        for group in self.groups:
            kept = torch.zeros(group.size, dtype=torch.bool)
            for producer in group.producers:
                kept[_made(group, producer)] |= masks[producer]
            found[group.name] = kept
        return found

    def standing(self, masks: Masks) -> dict[str, Tensor]:
        """Return which units of each mask the cut network still holds, silent or not."""
        if not self.independent:
            return dict(masks)
        cut = self.cut(masks)
        return {
            producer: cut[group.name][_made(group, producer)]
            for group in self.groups
            for producer in group.producers
        }

    def removed(self, masks: Masks) -> float:
        """Return the share of the masked units that are physically gone, in [0, 1)."""
        standing = self.standing(masks).values()
        return 1 - sum(int(s.sum()) for s in standing) / sum(s.numel() for s in standing)

    def within(
        self, before: Masks, masks: Masks
    ) -> tuple[tuple[UnitGroup, ...], dict[str, Tensor]]:
        """Return the groups of a network cut to `before`, and what of them `masks` keep."""
        standing, kept = self.cut(before), self.cut(masks)
        relative = {name: mask[standing[name]] for name, mask in kept.items()}
        return remaining_groups(self.groups, standing), relative

    def silence(self, network: nn.Module, masks: Masks) -> list[Any]:
        """Add hooks to a cut network that make its silent channels 0; return their handles."""
        handles = []
        for group, kept in self._silent(masks):
            (tap,) = group.taps
            module = network.get_submodule(tap.module)
            handles.append(module.register_forward_hook(Silence(kept, tap.axis)))
        return handles

    def write_silence(self, network: nn.Module, masks: Masks) -> None:
        """Zero what makes the silent channels of a cut network, norms included."""
        for group, kept in self._silent(masks):
            (tap,) = group.taps
            for name in {group.name, tap.norm or group.name}:
                for key in ("weight", "bias"):
                    tensor = getattr(network.get_submodule(name), key)
                    if tensor is not None:
                        tensor.data[~kept.to(tensor.device)] = 0

    def check(self, network: nn.Module, input_shape: tuple[int, ...]) -> None:
        """Raise `RequestError` if a silent layer could not be written as zero weights."""
        for group in self.masked if self.independent else ():
            masks = full_masks(self.masked)
            masks[group.name] = torch.arange(group.size) < 1
            (tap,) = group.taps
            silent = not any(bool(step(torch.zeros(1)).any()) for step in tap.steps)
            if not (silent and self._writable(network, masks, input_shape)):
                raise RequestError(
                    f"layer {group.name!r} cannot have a mask of its own: what its norm and "
                    "activation make of 0 is not 0; ask for `coupling` 'joint'"
                )

    def _writable(self, network: nn.Module, masks: Masks, input_shape: tuple[int, ...]) -> bool:
        hooked = shrink(network, self.groups, self.cut(masks)).eval()
        written = copy.deepcopy(hooked)
        self.silence(hooked, masks)
        self.write_silence(written, masks)
        stored = next(network.parameters())
        sample = torch.empty(1, *input_shape, dtype=stored.dtype, device=stored.device)
        sample.normal_(generator=torch_generator(0, "scores"))
        with torch.inference_mode():
            return torch.allclose(hooked(sample), written(sample), rtol=1e-3, atol=1e-5)

    def _silent(self, masks: Masks) -> list[tuple[UnitGroup, Tensor]]:
        """Return each layer with silent channels, and which channels of the cut layer are not."""
        if not self.independent:
            return []
        standing, found = self.standing(masks), []
        for group in self.masked:
            owner = group.owner(group.name, "out")
            present = (owner < 0) | standing[group.name][owner.clamp(min=0)]
            kept = (owner < 0) | masks[group.name][owner.clamp(min=0)]
            if not kept[present].all():
                found.append((group, kept[present]))
        return found


def _layers(group: UnitGroup) -> list[UnitGroup]:
    """Return one group for each layer that makes units of a group."""
    if len(group.producers) == 1:
        return [group]
    found = []
    for producer, tap in zip(group.producers, group.taps, strict=True):
        made = _made(group, producer)
        position = torch.full((group.size + 1,), -1)
        position[made] = torch.arange(len(made))
        slices = (Slice(producer, "out", position[group.owner(producer, "out")]),)
        found.append(UnitGroup(producer, len(made), (producer,), (tap,), slices))
    return found


def _made(group: UnitGroup, producer: str) -> Tensor:
    """Return the units of a group that one layer makes, in order."""
    owner = group.owner(producer, "out")
    return owner[owner >= 0].unique()  # type: ignore[no-untyped-call, no-any-return]
