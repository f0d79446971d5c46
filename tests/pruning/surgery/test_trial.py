"""A group whose cut network computes something else is found, however large the logits are."""

from __future__ import annotations

import dataclasses

import pytest
import torch
from torch import Tensor, nn

from pruning.surgery import UnitGroup, find_groups, masked, shrink
from pruning.surgery.find import analyse
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


class Squeezed(nn.Module):
    """Squeezes whatever has size 1: a single channel, too."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Conv2d(3, 8, 3), nn.Conv2d(8, 6, 3)
        self.output = nn.Linear(6, 4)

    def forward(self, x: Tensor) -> Tensor:
        mapped = self.second(self.first(x).relu()).relu()
        return self.output(mapped.mean((2, 3), keepdim=True).squeeze())  # type: ignore[no-any-return]


def test_a_channel_stays_where_a_single_one_would_be_taken_for_none() -> None:
    network = Squeezed().eval()
    found = analyse(network, (3, 8, 8))
    assert {group.name: group.size for group in found.groups} == {"first": 8, "second": 5}
    (refusal,) = found.refusals
    assert (refusal.layer, refusal.channels) == ("second", 1)
    assert "single channel" in refusal.operation
    masks = {group.name: torch.arange(group.size) == 2 for group in found.groups}
    sample = torch.randn(5, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode(), masked(network, found.groups, masks):
        expected = network(sample)
    small = shrink(network, found.groups, masks)
    torch.testing.assert_close(small(sample), expected, rtol=1e-4, atol=1e-5)


class Asserting(nn.Module):
    """Says what widths it expects, by raising an error of some kind."""

    def __init__(self, kind: type[Exception]) -> None:
        super().__init__()
        self.kind, self.first = kind, nn.Linear(4, 8)
        self.second, self.output = nn.Linear(8, 6), nn.Linear(6, 3)

    def forward(self, x: Tensor) -> Tensor:
        hidden = self.first(x).relu()
        if hidden.shape[1] != 8:
            raise self.kind("8 channels are expected here")
        return self.output(self.second(hidden).relu())  # type: ignore[no-any-return]


@pytest.mark.parametrize("kind", [AssertionError, TypeError, KeyError, ValueError])
def test_widths_that_the_code_insists_on_stay(kind: type[Exception]) -> None:
    found = analyse(Asserting(kind), (4,))
    assert [group.name for group in found.groups] == ["second"]
    assert [(one.layer, one.channels) for one in found.refusals] == [("first", 8)]
