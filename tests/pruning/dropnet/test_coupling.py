"""Masks of their own for layers that are summed, as in the published code."""

from __future__ import annotations

import copy
import itertools
from collections.abc import Callable

import pytest
import torch
from pruning_support import blobs
from torch import Tensor, nn

from pruning.core.errors import RequestError
from pruning.dropnet import DropNet, Runs, dropnet
from pruning.dropnet.coupling import PrunableUnits
from pruning.dropnet.fit import find_units
from pruning.dropnet.settings import Rewinding
from pruning.networks.architecture import build_network
from pruning.surgery import find_groups, shrink
from pruning.training.recipe import Recipe

IMAGE = (3, 16, 16)


def _units(network: nn.Module, coupling: str = "independent") -> PrunableUnits:
    return PrunableUnits.of(find_groups(network, IMAGE), coupling)  # type: ignore[arg-type]


def _random(units: PrunableUnits, seed: int) -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    masks = {g.name: torch.rand(g.size, generator=generator) < 0.5 for g in units.masked}
    for mask in masks.values():
        mask[int(torch.randint(len(mask), (), generator=generator))] = True
    return masks


def test_the_published_resnet_has_its_20_masks() -> None:
    network = build_network("resnet18", 10, (3, 32, 32), 0)
    units = PrunableUnits.of(find_groups(network, (3, 32, 32)), "independent")
    assert [len(units.masked), sum(g.size for g in units.masked)] == [20, 4800]
    assert PrunableUnits.of(units.groups, "joint").masked == units.groups


@pytest.mark.parametrize("arch", ["resnet18:4-5-6-7", "resnet20:3-4-5"])
@pytest.mark.parametrize("training", [False, True])
def test_silent_channels_are_what_masking_each_layer_gives(arch: str, training: bool) -> None:
    """Against the full network with every layer's value after norm and activation masked."""
    network = build_network(arch, 10, IMAGE, 0).double()
    for tensor in network.parameters():
        if tensor.ndim == 1:
            tensor.data.uniform_(0.5, 1.5, generator=torch.Generator().manual_seed(1))
    units = _units(network)
    masks = _random(units, 3)
    full = copy.deepcopy(network).train(training)
    for group in units.masked:
        tap = group.taps[0]
        full.get_submodule(tap.module).register_forward_hook(
            lambda module, inputs, out, mask=masks[group.name]: out * mask[:, None, None]
        )
    hooked = shrink(network, units.groups, units.cut(masks)).train(training)
    written = copy.deepcopy(hooked)
    handles = units.silence(hooked, masks)
    units.write_silence(written, masks)
    assert handles, "some channel must be silent for this to show anything"
    sample = torch.randn(4, *IMAGE, dtype=torch.float64, generator=torch.Generator().manual_seed(2))
    with torch.no_grad():
        expected = full(sample)
        scale = expected.abs().max()
        assert float((hooked(sample) - expected).abs().max() / scale) <= 1e-9
        assert float((written(sample) - expected).abs().max() / scale) <= 1e-9


def test_a_channel_goes_when_no_layer_makes_it() -> None:
    units = _units(build_network("resnet20:3-4-5", 10, IMAGE, 0))
    masks = {group.name: torch.ones(group.size, dtype=torch.bool) for group in units.masked}
    assert units.removed(masks) == 0
    stem = units.groups[0]
    for producer in stem.producers[1:]:
        masks[producer][0] = False
    assert units.removed(masks) == 0, "the stem still makes it"
    masks[stem.name][0] = False
    total = sum(group.size for group in units.masked)
    assert units.removed(masks) == pytest.approx(len(stem.producers) / total)


@pytest.mark.parametrize("arch", ["resnet18:4-4-6-6", "resnet20:4-4-6"])
def test_a_run_keeps_its_masks_apart_and_its_silence(arch: str) -> None:
    settings = DropNet(
        coupling="independent", kappa=0.0, keep=0.3, fraction=0.4, metric="random",
        rewinding=Rewinding("initial"), recipe=Recipe(batch_size=32, max_epochs=1),
    )  # fmt: skip
    splits = blobs(shape=IMAGE)
    runs = Runs(arch, (0,), (7,))
    rounds = [member for (member,) in dropnet(runs, splits, settings)]
    network = build_network(arch, 3, IMAGE, 7)
    units = _units(network)
    for before, member in itertools.pairwise(rounds):
        assert all(not (mask & ~before.masks[name]).any() for name, mask in member.masks.items())
        assert member.removed is not None
        assert 0 <= member.removed < 1 - member.remaining
        silent = copy.deepcopy(member.network)
        units.write_silence(silent, member.masks)
        assert all(
            torch.equal(value, silent.state_dict()[key])
            for key, value in member.network.state_dict().items()
        ), "what is masked has no weight"
        assert not any(module._forward_hooks for module in member.network.modules())
    assert rounds[-1].removed > rounds[0].removed == 0
    again = [m for (m,) in dropnet(runs, splits, settings, start=rounds[:2][1:])]
    for one, other in zip(rounds[2:], again, strict=True):
        assert all(torch.equal(mask, other.masks[name]) for name, mask in one.masks.items())
        for key, value in one.network.state_dict().items():
            assert torch.equal(value, other.network.state_dict()[key])


def test_without_sums_both_couplings_are_the_same() -> None:
    units = _units(build_network("conv-b:4-3", 10, IMAGE, 0))
    assert not units.independent
    assert units == _units(build_network("conv-b:4-3", 10, IMAGE, 0), "joint")
    masks = _random(units, 0)
    assert units.removed(masks) == pytest.approx(
        1 - sum(int(m.sum()) for m in masks.values()) / sum(len(m) for m in masks.values())
    )


class Sigmoids(nn.Module):
    """An activation that makes 0.5 of 0, as a function or as a module."""

    def __init__(self, activation: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.a, self.b = nn.Conv2d(3, 4, 1), nn.Conv2d(3, 4, 1)
        self.activation, self.head = activation, nn.Linear(4, 2)
        nn.init.constant_(self.head.weight, 0.1)  # what is wrong is small, and wrong all the same

    def forward(self, x: Tensor) -> Tensor:
        return self.head((self.activation(self.a(x)) + self.b(x).relu()).mean((2, 3)))


@pytest.mark.parametrize("activation", [torch.sigmoid, nn.Sigmoid()])
def test_a_layer_whose_silence_is_not_0_cannot_have_a_mask_of_its_own(
    activation: Callable[[Tensor], Tensor],
) -> None:
    with pytest.raises(RequestError, match="layer 'a' cannot have a mask of its own"):
        find_units(Sigmoids(activation), IMAGE, DropNet(coupling="independent"))


def test_what_masks_of_their_own_cannot_do_is_said() -> None:
    with pytest.raises(RequestError, match="unknown coupling 'independant'; did you mean 'indep"):
        DropNet(coupling="independant")  # type: ignore[arg-type]
    with pytest.raises(RequestError, match="`metric` 'oracle' removes whole units"):
        find_units(
            build_network("resnet20:2-2-2", 10, IMAGE, 0),
            IMAGE,
            DropNet(coupling="independent", metric="oracle"),
        )
