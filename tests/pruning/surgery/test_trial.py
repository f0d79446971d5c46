"""A group whose cut network computes something else is found, however large the logits are."""

from __future__ import annotations

import dataclasses

import pytest
import torch
from torch import nn

from pruning.surgery import UnitGroup, find_groups
from pruning.surgery.groups import Slice
from pruning.surgery.trial import broken_groups


def _crossed(group: UnitGroup) -> UnitGroup:
    """The group with the units its reader reads in the opposite order: cut, others stay."""
    slices = tuple(
        Slice(part.module, part.side, part.owner.flip(0)) if part.side == "in" else part
        for part in group.slices
    )
    return dataclasses.replace(group, slices=slices)


@pytest.mark.parametrize("scale", [1e-4, 1.0, 1e4])
def test_what_breaks_is_told_apart_from_rounding(scale: float) -> None:
    generator = torch.Generator().manual_seed(0)
    network = nn.Sequential(
        nn.Linear(40, 30), nn.Tanh(), nn.Linear(30, 20), nn.Tanh(), nn.Linear(20, 3)
    ).eval()
    for parameter in network.parameters():
        nn.init.normal_(parameter, generator=generator)
    with torch.no_grad():
        network[-1].weight.mul_(scale)  # type: ignore[operator, union-attr]
        network[-1].bias.mul_(scale)  # type: ignore[operator, union-attr]
    first, second = find_groups(network, (40,))
    assert broken_groups(network, (first, second), (40,)) == []
    broken = _crossed(second)
    assert broken_groups(network, (first, broken), (40,)) == [broken]
