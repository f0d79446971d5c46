"""A latency that is asked for → the FLOPs that are fast enough: measured once, before training.

A clock gives another answer every time. So it is asked once; what follows goes by FLOPs, and a
build that was stopped, or goes on elsewhere, prunes to the same networks.
"""

from __future__ import annotations

import dataclasses

import torch
from torch import nn

from pruning.core.errors import RequestError
from pruning.dropnet.settings import DropNet
from pruning.dropnet.target import Target
from pruning.inference.cost import count_cost
from pruning.inference.latency import measure_latencies
from pruning.surgery import UnitGroup, find_groups, shrink

HALVINGS = 10
SPARE = 1.1
"""What a refusal names is more than was measured by this factor: the next measurement differs."""


def in_flops(settings: DropNet, network: nn.Module, input_shape: tuple[int, ...]) -> DropNet:
    """Return the settings with a target of latency said as FLOPs; others as they are.

    The FLOPs are those of the widest network, all layers narrowed alike, that is as fast as was
    asked: at batch 1 on one thread of this processor, measured in turns with the unpruned one. A
    metric that ranks within layers narrows about so; what one over all layers leaves may be
    faster or slower.

    Parameters
    ----------
    network
        Unpruned, on the processor.
    input_shape
        One sample, as the network takes it after scaling.

    Raises
    ------
    RequestError
        If the smallest network that pruning can make is slower.
    """
    target = settings.target
    if target.latency is None:
        return settings
    groups = find_groups(network, input_shape)
    narrowed = _Narrowed(network, groups, input_shape, settings.round_to)
    (seconds,) = measure_latencies([network], input_shape)
    unpruned = 1e3 * seconds
    share = target.milliseconds(unpruned) / unpruned
    if share >= 1:  # nothing has to be cut, and a clock's noise refuses nothing
        return _to_flops(settings, network, input_shape)
    floor = narrowed.slowness(0.0)
    if floor > share:
        least = target.least(SPARE * floor * unpruned, unpruned)
        raise RequestError(
            f"`target_latency` leaves {share * unpruned:.3g} ms to each network, and the "
            f"smallest that pruning can make takes {floor * unpruned:.3g} ms here "
            f"({floor:.3g} of the unpruned network's {unpruned:.3g}); ask for at least "
            f"{least:.10g}, or for a smaller architecture"
        )
    fast, slow = 0.0, 1.0
    for _ in range(HALVINGS):
        width = (fast + slow) / 2
        if narrowed.slowness(width) <= share:
            fast = width
        else:
            slow = width
    return _to_flops(settings, narrowed.to(fast), input_shape)


def _to_flops(settings: DropNet, network: nn.Module, input_shape: tuple[int, ...]) -> DropNet:
    """Return the settings with a network's FLOPs as target; up to 1 they would read as a share."""
    flops = max(float(count_cost(network, input_shape).flops), 2.0)
    return dataclasses.replace(settings, target=Target(flops=flops))


@dataclasses.dataclass(frozen=True, eq=False)
class _Narrowed:
    """A network whose layers are narrowed alike, and how slow it is then."""

    network: nn.Module
    groups: tuple[UnitGroup, ...]
    input_shape: tuple[int, ...]
    round_to: int

    def to(self, width: float) -> nn.Module:
        """Return it at a share of its width, from 0 (one unit per layer) to 1."""
        kept = {group.name: self._kept(group.size, width) for group in self.groups}
        masks = {group.name: torch.arange(group.size) < kept[group.name] for group in self.groups}
        return shrink(self.network, self.groups, masks)

    def _kept(self, size: int, width: float) -> int:
        count = max(1, round(width * size))
        return count - count % self.round_to if count > self.round_to else count

    def slowness(self, width: float) -> float:
        """Return what it takes at a width as a share of what it takes whole, in turns."""
        whole, narrow = measure_latencies([self.network, self.to(width)], self.input_shape)
        return float(narrow / whole)
