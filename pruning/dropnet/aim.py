"""How small a run's network has to become: a target, measured against its unpruned network."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import nn

from pruning.core.errors import RequestError
from pruning.dropnet.coupling import PrunableUnits
from pruning.dropnet.member import Member
from pruning.dropnet.target import Target
from pruning.inference.cost import count_cost
from pruning.surgery import Masks, UnitGroup, shrink


@dataclass(frozen=True)
class Aim:
    """A target for one network.

    Attributes
    ----------
    target
        Of one member.
    input_shape
        Of a sample.
    unpruned
        FLOPs and bytes of the unpruned network.
    """

    target: Target
    input_shape: tuple[int, ...]
    unpruned: tuple[float, float]

    @classmethod
    def of(cls, target: Target, network: nn.Module, input_shape: tuple[int, ...]) -> Aim | None:
        """Return the aim of runs with this unpruned network.

        None without a target, or for a latency, which is said in FLOPs first
        (`pruning.dropnet.fast_enough`).
        """
        if target.flops is None and target.bytes is None:
            return None
        return cls(target, input_shape, _flops_and_bytes(network, input_shape))

    def met(self, network: nn.Module) -> bool:
        """Whether a network costs no more than the target."""
        return self.target.met_by(_flops_and_bytes(network, self.input_shape), self.unpruned)

    def met_under(self, member: Member, units: PrunableUnits, masks: Masks) -> bool:
        """Whether a member cut further, to these masks, would."""
        return self.met(shrink(member.network, *units.within(member.masks, masks)))

    def check(self, network: nn.Module, groups: Sequence[UnitGroup]) -> None:
        """Raise `RequestError` if the smallest network that pruning can make costs more."""
        one = {group.name: torch.arange(group.size) < 1 for group in groups}
        least = _flops_and_bytes(shrink(network, groups, one), self.input_shape)
        if self.target.met_by(least, self.unpruned):
            return
        which = 0 if self.target.flops is not None else 1
        name, floor, whole = ("flops", "bytes")[which], least[which], self.unpruned[which]
        raise RequestError(
            f"`target_{name}` leaves {self.target} to each network, and what cannot be cut takes "
            f"{floor:,.0f} ({floor / whole:.3g} of the unpruned network's {whole:,.0f}); "
            f"ask for at least {self.target.least(floor, whole):.10g}, or for a smaller "
            "architecture"
        )


def _flops_and_bytes(network: nn.Module, input_shape: tuple[int, ...]) -> tuple[float, float]:
    cost = count_cost(network, input_shape)
    return cost.flops, cost.bytes
