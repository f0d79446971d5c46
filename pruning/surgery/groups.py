"""What surgery is about, as values: slices of layers, groups of units, refusals."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor, nn

Side = Literal["in", "out", "through"]
Masks = Mapping[str, Tensor]
"""Group name → (units,) bool, True where the unit survives."""


@dataclass(frozen=True, eq=False)
class Slice:
    """The channels of one side of one module, and which unit each belongs to.

    Attributes
    ----------
    module
        Dotted name in the network.
    side
        ``"out"`` the units it makes, ``"in"`` those it reads, ``"through"`` channels that
        pass one to one (norms) or path by path (grouped and depthwise convolutions).
    owner
        (channels,) int64: unit of the group, or -1 for a channel of another group or one
        that is never pruned.
    """

    module: str
    side: Side
    owner: Tensor

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, Slice)
            and (self.module, self.side) == (other.module, other.side)
            and torch.equal(self.owner, other.owner)
        )

    def __hash__(self) -> int:
        return hash((self.module, self.side, len(self.owner)))

    def kept(self, mask: Tensor) -> Tensor:
        """(channels,) bool: which channels survive when the group's units are `mask`."""
        return torch.where(self.owner >= 0, mask[self.owner.clamp(min=0)], True)


@dataclass(frozen=True, eq=False)
class Step:
    """One elementwise operation that a network applies without a module of its own."""

    operation: Callable[..., Tensor]
    args: tuple[Any, ...]
    kwargs: Mapping[str, Any]

    def __call__(self, value: Tensor) -> Tensor:
        """Apply the operation; an in-place one changes `value`."""
        return self.operation(value, *self.args, **self.kwargs)


@dataclass(frozen=True)
class Tap:
    """Where a producer's value after norm and activation can be observed.

    Attributes
    ----------
    module
        The last module on the way from the producer through norms and activations, as long
        as nothing else reads the values between.
    axis
        The channels' axis of its output.
    steps
        Activations after it that are no modules, or modules used in several places.
    norm
        The batch norm on that way, if there is one.
    """

    module: str
    axis: int = 1
    steps: tuple[Step, ...] = ()
    norm: str | None = None

    def __call__(self, output: Tensor) -> Tensor:
        """Return the value after norm and activation, channels on axis 1."""
        value = output.clone() if self.steps else output
        for step in self.steps:
            value = step(value)
        return value.movedim(self.axis, 1)


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
        For each producer, where its value after norm and activation can be observed.
    slices
        Every side of every module that shrinks with the group.
    """

    name: str
    size: int
    producers: tuple[str, ...]
    taps: tuple[Tap, ...]
    slices: tuple[Slice, ...]

    def owner(self, module: str, side: Side) -> Tensor:
        """Return the unit of each channel of one side of one module of the group."""
        return next(s.owner for s in self.slices if (s.module, s.side) == (module, side))


@dataclass(frozen=True, eq=False)
class PrunedNetwork:
    """A physically smaller network, and which units of full width it still holds.

    Attributes
    ----------
    network
        Cut down to `masks`.
    groups
        Of the full-width network.
    masks
        Over the full width.
    """

    network: nn.Module
    groups: tuple[UnitGroup, ...]
    masks: Masks


@dataclass(frozen=True)
class Refusal:
    """A layer that cannot be pruned, wholly or in part, and the operation that forbids it.

    Attributes
    ----------
    layer
        The producer's name.
    channels
        How many of its channels stay whatever the mask.
    operation
        What forbids it, such as ``"layer_norm"``.
    where
        The module in which that operation runs; empty at the top.
    """

    layer: str
    channels: int
    operation: str
    where: str

    def __str__(self) -> str:
        place = f" in {self.where}" if self.where else ""
        return f"{self.layer}: {self.channels} channels stay because of {self.operation}{place}"


def full_masks(groups: Iterable[UnitGroup]) -> dict[str, Tensor]:
    """Return masks under which every unit survives."""
    return {group.name: torch.ones(group.size, dtype=torch.bool) for group in groups}
