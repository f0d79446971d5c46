"""What surgery must hold, checked without its own code where that is possible."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence

import pytest
import torch
from safetensors.torch import load, save
from torch import Tensor, nn

from pruning.inference.cost import count_cost
from pruning.networks.weights import load_weights
from pruning.surgery import (
    Analysis,
    UnitGroup,
    analyse,
    module_sizes,
    resize,
    shrink,
)
from pruning.surgery.layer_kinds import PRODUCERS

Factory = Callable[[], nn.Module]


def relative_difference(a: Tensor, b: Tensor) -> float:
    return float((a - b).abs().max() / b.abs().max())


def livened(network: nn.Module) -> nn.Module:
    """Double precision; every number drawn anew; nothing dropped at random."""
    generator = torch.Generator().manual_seed(0)
    network = network.double()
    for module in network.modules():
        for tensor in [*module._parameters.values(), *module._buffers.values()]:
            if tensor is None or not tensor.is_floating_point():
                continue
            if tensor.ndim == 1:
                tensor.data.uniform_(0.5, 1.5, generator=generator)
            else:
                spread = tensor[0].numel() ** -0.5
                tensor.data.normal_(0, spread, generator=generator)
        if isinstance(module, nn.Dropout):
            module.p = 0.0
        if type(module).__name__ == "StochasticDepth":
            module.p = 0.0
    return network


def random_masks(groups: Sequence[UnitGroup], seed: int) -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    masks = {}
    for group in groups:
        mask = torch.rand(group.size, generator=generator) < 0.6
        mask[int(torch.randint(group.size, (), generator=generator))] = True
        masks[group.name] = mask
    return masks


def masked_copy(
    network: nn.Module, groups: Sequence[UnitGroup], masks: dict[str, Tensor]
) -> nn.Module:
    """The full-width network whose consumers see 0 where the mask says so.

    Multiplying a consumer's input by the mask is the same as zeroing the weights it reads
    those channels with; this does the latter, the code under test does the former.
    """
    full = copy.deepcopy(network)
    for group in groups:
        for part in group.slices:
            if part.side == "in":
                gone = (part.owner >= 0) & ~masks[group.name][part.owner.clamp(min=0)]
                full.get_submodule(part.module).weight.data[:, gone] = 0
    return full


def counted_by_hand(network: nn.Module, sample: Tensor) -> int:
    """2 × multiply-accumulates of convolutions and linear layers, from output sizes."""
    total = [0]

    def hook(module: nn.Module, inputs: object, output: Tensor) -> None:
        axis = -1 if isinstance(module, nn.Linear) else 1
        total[0] += 2 * output.numel() // output.shape[axis] * module.weight.numel()

    handles = [
        module.register_forward_hook(hook)
        for module in network.modules()
        if isinstance(module, PRODUCERS)
    ]
    with torch.inference_mode():
        network.eval()(sample)
    for handle in handles:
        handle.remove()
    return total[0]


@pytest.fixture(scope="session")
def assert_surgery_holds() -> Callable[..., Analysis]:
    """Small = masked in eval and train mode; it costs less; saved, loaded and equal."""

    def check(
        factory: Factory,
        shape: tuple[int, ...],
        seed: int = 0,
        *,
        train: bool = True,
        batch: int = 3,
    ) -> Analysis:
        network = livened(factory()).eval()
        before = {key: value.clone() for key, value in network.state_dict().items()}
        analysis = analyse(network, shape)
        assert not network.training
        assert all(torch.equal(before[k], v) for k, v in network.state_dict().items())

        masks = random_masks(analysis.groups, seed)
        small = shrink(network, analysis.groups, masks)
        sample = torch.randn(
            batch, *shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed)
        )
        with torch.inference_mode():
            masked = masked_copy(network, analysis.groups, masks)
            expected = masked(sample)
            assert relative_difference(small(sample), expected) <= 1e-9
            assert torch.isfinite(expected).all()
            assert expected.std() > 0, "a test on constant logits shows nothing"
            if train:
                trained, wanted = copy.deepcopy(small).train(), masked.train()
                assert relative_difference(trained(sample), wanted(sample)) <= 1e-9

        singles = [copy.deepcopy(kept).float() for kept in (network, small)]
        full_cost, small_cost = (count_cost(kept, shape) for kept in singles)
        for kept, cost in zip(singles, (full_cost, small_cost), strict=True):
            stored = [*kept.parameters(), *kept.buffers()]
            assert cost.params == sum(p.numel() for p in kept.parameters())
            assert cost.bytes == sum(t.numel() * t.element_size() for t in stored)
            assert cost.flops == counted_by_hand(kept, sample[:1].float())
        if any(not mask.all() for mask in masks.values()):
            assert small_cost.flops < full_cost.flops
            assert small_cost.bytes < full_cost.bytes

        weights = load(save({k: v.contiguous() for k, v in small.state_dict().items()}))
        again = resize(factory().double(), module_sizes(small)).eval()
        load_weights(again, weights)
        with torch.inference_mode():
            assert torch.equal(again(sample), small.eval()(sample))
        return analysis

    return check
