"""Can this network be pruned? Answered before any training."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn

from pruning.inference.cost import Cost, count_cost
from pruning.networks.architecture import build_network
from pruning.surgery.cutting import shrink
from pruning.surgery.find import analyse
from pruning.surgery.groups import Refusal


@dataclass(frozen=True)
class Coupled:
    """Units that live and die together.

    Attributes
    ----------
    name
        The group's name: its first layer.
    units
        How many may go, one at a time; the last one stays.
    layers
        The layers that make them; more than one where a sum couples their channels.
    readers
        The layers that read them.
    """

    name: str
    units: int
    layers: tuple[str, ...]
    readers: tuple[str, ...]


@dataclass(frozen=True)
class CheckReport:
    """What can be pruned of a network, and what stands in the way.

    Attributes
    ----------
    groups
        The units that can be pruned.
    refusals
        Layers that cannot, wholly or in part, and the operations that forbid it.
    cost
        Of the network as it is.
    smallest
        With every group down to one unit.
    """

    groups: tuple[Coupled, ...]
    refusals: tuple[Refusal, ...]
    cost: Cost
    smallest: Cost

    @property
    def removable_flops(self) -> float:
        """Share of the FLOPs that pruning can remove, in 0..1."""
        return 1 - self.smallest.flops / self.cost.flops

    @property
    def removable_params(self) -> float:
        """Share of the parameters that pruning can remove, in 0..1."""
        return 1 - self.smallest.params / self.cost.params


def check(arch: str, input_shape: tuple[int, ...], num_classes: int = 10) -> CheckReport:
    """Build an architecture and say what of it can be pruned.

    Parameters
    ----------
    arch
        As `pruning.networks.architecture.build_network` takes it: a name or ``module:factory``.
    input_shape
        (C, H, W) or (F,).
    num_classes
        Number of logits.

    Raises
    ------
    RequestError
        If it cannot be built, followed or pruned at all; one line.

    >>> report = check("mlp-a:8-4", (5,))
    >>> [(group.name, group.units) for group in report.groups]
    [('fc1', 8), ('fc2', 4)]
    """
    return check_network(build_network(arch, num_classes, input_shape, seed=0), input_shape)


def check_network(network: nn.Module, input_shape: tuple[int, ...]) -> CheckReport:
    """Say what of a network can be pruned; it is left unchanged.

    Raises
    ------
    RequestError
        As `check`.
    """
    analysis = analyse(network, input_shape)
    fewest = {group.name: torch.arange(group.size) < 1 for group in analysis.groups}
    groups = tuple(
        Coupled(
            group.name,
            group.size,
            group.producers,
            tuple(part.module for part in group.slices if part.side == "in"),
        )
        for group in analysis.groups
    )
    smallest = shrink(network, analysis.groups, fewest)
    return CheckReport(
        groups,
        analysis.refusals,
        count_cost(network, input_shape),
        count_cost(smallest, input_shape),
    )
