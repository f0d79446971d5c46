"""A network that is cut down keeps the strength of its signals, its weights their directions."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from pruning.networks.registry import build_network
from pruning.rescaling import rescale
from pruning.surgery import Masks, UnitGroup, find_groups, full_masks, shrink

IMAGE = (3, 8, 8)


def _cut(arch: str, share: float) -> tuple[nn.Module, tuple[UnitGroup, ...], Masks]:
    network = build_network(arch, 10, IMAGE, 0)
    groups = find_groups(network, IMAGE)
    masks = full_masks(groups)
    generator = torch.Generator().manual_seed(0)
    for mask in masks.values():
        mask[torch.randperm(len(mask), generator=generator)[int(share * len(mask)) :]] = False
    return network, groups, masks


@torch.inference_mode()
def _strength(network: nn.Module) -> float:
    logits: torch.Tensor = network(
        torch.rand(64, *IMAGE, generator=torch.Generator().manual_seed(1))
    )
    return float(logits.square().mean().sqrt())


@pytest.mark.parametrize("arch", ["conv-c:64-64-128-128-256", "mlp-a:400-400"])
def test_logits_are_as_strong_as_at_full_width(arch: str) -> None:
    network, groups, masks = _cut(arch, 0.1)
    full = _strength(network)
    assert _strength(shrink(network, groups, masks)) < 0.3 * full
    restored = _strength(rescale(shrink(network, groups, masks), groups, masks))
    assert 0.5 * full < restored < 2 * full


def test_directions_and_biases_stay() -> None:
    network, groups, masks = _cut("mlp-a:40-20", 0.25)
    with torch.no_grad():
        for key, value in network.named_parameters():
            if key.endswith("bias"):
                value.uniform_(-1, 1)
    plain = shrink(network, groups, masks).state_dict()
    scaled = rescale(shrink(network, groups, masks), groups, masks).state_dict()
    assert torch.equal(scaled["fc1.weight"], plain["fc1.weight"])
    for key, times in (("fc2.weight", 2.0), ("output.weight", 2.0)):
        torch.testing.assert_close(scaled[key], times * plain[key])
    assert all(torch.equal(scaled[key], plain[key]) for key in plain if key.endswith("bias"))


def test_layers_before_a_batch_norm_are_left_alone() -> None:
    network, groups, masks = _cut("resnet20", 0.25)
    plain = shrink(network, groups, masks).state_dict()
    scaled = rescale(shrink(network, groups, masks), groups, masks).state_dict()
    changed = {key for key in plain if not torch.equal(plain[key], scaled[key])}
    assert changed == {"output.weight"}


def test_nothing_cut_nothing_changed() -> None:
    network, groups, _ = _cut("conv-b:6-5", 1.0)
    masks = full_masks(groups)
    before = {key: value.clone() for key, value in network.state_dict().items()}
    after = rescale(shrink(network, groups, masks), groups, masks).state_dict()
    assert all(torch.equal(before[key], after[key]) for key in before)
