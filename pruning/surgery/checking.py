"""Can this network be pruned? Answered before any training."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn

from pruning.inference.cost import Cost, count_cost
from pruning.networks.architecture import Architecture, build_network
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


def check(
    architecture: Architecture, input_shape: tuple[int, ...], num_classes: int = 10
) -> CheckReport:
    """Say what of a network can be pruned; nothing is trained, and a network is left unchanged.

    Parameters
    ----------
    architecture
        A network, or what `pruning.networks.architecture.build_network` makes one of: a name,
        a function.
    input_shape
        (C, H, W) or (F,).
    num_classes
        Number of logits; of a network, its own count.

    Raises
    ------
    RequestError
        If it cannot be built, followed or pruned at all; one line.

    >>> report = check("mlp-a:8-4", (5,))
    >>> [(group.name, group.units) for group in report.groups]
    [('fc1', 8), ('fc2', 4)]
    >>> check(nn.Sequential(nn.Linear(5, 9), nn.ReLU(), nn.Linear(9, 3)), (5,)).groups[0].units
    9
    """
    if isinstance(architecture, nn.Module):
        network: nn.Module = architecture
    else:
        network = build_network(architecture, num_classes, input_shape, seed=0)
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
