"""A network that is cut down keeps the strength of its signals, its weights their directions."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from pruning.dropnet.rescaling import few_inputs, rescale
from pruning.networks.architecture import build_network
from pruning.samples.scaling import Scaling
from pruning.surgery import Masks, UnitGroup, find_groups, full_masks, shrink

IMAGE = (3, 8, 8)
FEW = torch.rand(64, *IMAGE, generator=torch.Generator().manual_seed(2))


def _cut(arch: str, share: float) -> tuple[nn.Module, tuple[UnitGroup, ...], Masks]:
    network = build_network(arch, 10, IMAGE, 0).eval()
    with torch.no_grad():
        for key, value in network.named_parameters():
            if key.endswith("bias"):
                value.uniform_(-0.1, 0.1, generator=torch.Generator().manual_seed(3))
    groups = find_groups(network, IMAGE)
    masks = full_masks(groups)
    generator = torch.Generator().manual_seed(0)
    for mask in masks.values():
        mask[torch.randperm(len(mask), generator=generator)[int(share * len(mask)) :]] = False
    return network, groups, masks


@torch.inference_mode()
def _signal(network: nn.Module) -> float:
    """How far what the last hidden layer says of different samples lies apart."""
    seen: list[torch.Tensor] = []
    handle = network.get_submodule("output").register_forward_pre_hook(
        lambda _, inputs: seen.append(inputs[0])
    )
    network(torch.rand(64, *IMAGE, generator=torch.Generator().manual_seed(1)))
    handle.remove()
    return float(seen[0].std(0).mean())


@pytest.mark.parametrize("arch", ["conv-c:64-64-128-128-256", "mlp-a:400-400-400"])
def test_signals_are_as_strong_as_at_full_width(arch: str) -> None:
    """On other samples than those that they were matched on."""
    network, groups, masks = _cut(arch, 0.1)
    full = _signal(network)
    assert _signal(shrink(network, groups, masks)) < 0.3 * full
    restored = _signal(rescale(shrink(network, groups, masks), network, groups, masks, FEW))
    assert 0.4 * full < restored < 2.5 * full


def test_every_hidden_layer_puts_out_what_it_did() -> None:
    """Layer by layer, without its bias, on the samples given."""
    network, groups, masks = _cut("conv-c:12-10-8-14-16", 0.25)
    small = rescale(shrink(network, groups, masks), network, groups, masks, FEW)
    hidden = ("conv2", "conv3", "conv4", "fc")
    seen: dict[tuple[int, str], torch.Tensor] = {}
    for which, model in enumerate((network, small)):
        for name in hidden:
            layer = model.get_submodule(name)

            def note(
                module: nn.Module, _: object, output: torch.Tensor,
                key: tuple[int, str] = (which, name),
            ) -> None:  # fmt: skip
                bias = module.get_parameter("bias")
                seen[key] = output - (bias[:, None, None] if output.ndim == 4 else bias)

            layer.register_forward_hook(note)
        with torch.no_grad():
            model(FEW)
    for name in hidden:
        full, cut = seen[0, name], seen[1, name]
        if name in masks:
            full = full[:, masks[name]]
        assert float(cut.square().mean()) == pytest.approx(float(full.square().mean()), rel=1e-4)


def test_directions_and_biases_stay() -> None:
    """And the logits' layer as it is: what has less to go by is to be less sure."""
    network, groups, masks = _cut("mlp-a:40-20-20", 0.25)
    plain = shrink(network, groups, masks).state_dict()
    scaled = rescale(shrink(network, groups, masks), network, groups, masks, FEW).state_dict()
    grown = ("fc2.weight", "fc3.weight")
    for key in grown:
        factors = scaled[key] / plain[key]
        assert float(factors.min()) > 1
        torch.testing.assert_close(factors, factors[0, 0].expand_as(factors))
    assert all(torch.equal(scaled[key], plain[key]) for key in plain if key not in grown)


def test_layers_before_a_batch_norm_are_left_alone() -> None:
    network, groups, masks = _cut("resnet20", 0.25)
    plain = shrink(network, groups, masks).state_dict()
    scaled = rescale(shrink(network, groups, masks), network, groups, masks, FEW).state_dict()
    assert all(torch.equal(plain[key], scaled[key]) for key in plain)


def test_nothing_cut_nothing_changed() -> None:
    network, groups, _ = _cut("conv-b:6-5", 1.0)
    masks = full_masks(groups)
    before = {key: value.clone() for key, value in network.state_dict().items()}
    after = rescale(shrink(network, groups, masks), network, groups, masks, FEW).state_dict()
    assert all(torch.equal(before[key], after[key]) for key in before)


@pytest.mark.parametrize(("units", "factor"), [(5, 5.0), (10, 10.0), (40, 10.0)])
def test_a_weight_grows_tenfold_at_most(units: int, factor: float) -> None:
    """One unit of n equal ones is left: the layer that read the sum of n reads one."""
    network = nn.Sequential(*(nn.Linear(*size, bias=False) for size in
                              ((1, units), (units, 1), (1, 1))))  # fmt: skip
    for layer in network.parameters():
        nn.init.ones_(layer)
    groups = find_groups(network, (1,))
    masks = full_masks(groups) | {"0": torch.arange(units) < 1}
    small = rescale(shrink(network, groups, masks), network, groups, masks, torch.ones(2, 1))
    assert [parameter.item() for parameter in small.parameters()] == pytest.approx([1, factor, 1])


def test_the_few_samples_lie_evenly_over_all() -> None:
    images = torch.arange(127, dtype=torch.uint8)[:, None]
    assert (few_inputs(images, Scaling()) * 255).flatten().tolist() == pytest.approx(
        list(range(0, 127, 2)), abs=1e-4
    )
    assert torch.equal(few_inputs(images[:5], Scaling()), Scaling()(images[:5]))


def test_a_dead_layer_stays_as_it_is() -> None:
    network, groups, masks = _cut("mlp-a:8-8", 0.25)
    with torch.no_grad():
        network.get_parameter("fc1.weight").zero_()
        network.get_parameter("fc1.bias").fill_(-1)
    small = rescale(shrink(network, groups, masks), network, groups, masks, FEW)
    assert all(value.isfinite().all() for value in small.state_dict().values())
