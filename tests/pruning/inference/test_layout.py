"""Networks and batches lie as suits them, and that changes nothing but the time."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from pruning.inference.layout import Layout
from pruning.inference.probabilities import predict_probabilities
from pruning.networks.architecture import build_network
from pruning.samples.scaling import Scaling
from pruning.samples.stored import StoredSamples
from pruning.scores.score import SCORES
from pruning.scores.sweep import importances
from pruning.surgery import find_groups, full_masks
from pruning.surgery.groups import PrunedNetwork

SHAPE = (3, 8, 8)


def convolutional() -> nn.Module:
    return build_network("conv-b:5-6", 4, SHAPE, 0)


@pytest.mark.parametrize("samples", [0, 1, 64, 65, 200])
def test_parts_are_all_samples_in_order(samples: int) -> None:
    layout = Layout(channels_last=False, samples_at_once=64)
    parts = [list(range(samples))[part] for part in layout.parts(samples)]
    assert [row for part in parts for row in part] == list(range(samples))
    assert all(len(part) <= 64 for part in parts)


@pytest.mark.parametrize("arch", ["conv-b:5-6", "resnet20", "mlp-a:4-4"])
def test_a_network_computes_the_same_in_parts_and_at_once(arch: str) -> None:
    network = build_network(arch, 4, SHAPE, 0).eval()
    inputs = torch.rand(150, *SHAPE)
    with torch.inference_mode():
        at_once = network(inputs)
        in_parts = Layout.of(network, "cpu").through(network, inputs)
        none = Layout.of(network, "cpu").through(network, inputs[:0])
    torch.testing.assert_close(in_parts, at_once)
    assert none.shape == (0, 4)


def test_convolutions_see_channels_last_and_few_samples_on_a_processor() -> None:
    """In predictions and in the sweep that scores: elsewhere they take twice as long."""
    network, images = convolutional(), torch.zeros(150, *SHAPE, dtype=torch.uint8)
    groups, seen = find_groups(network, SHAPE), []

    def watch(module: nn.Module, inputs: tuple[torch.Tensor], output: object) -> None:
        seen.append(inputs[0])

    for layer in (network.get_submodule("conv1"), network.get_submodule("conv2")):
        layer.register_forward_hook(watch)
    predict_probabilities(network, images.numpy(), Scaling())
    importances(
        PrunedNetwork(network, groups, full_masks(groups)), SCORES["minimum"],
        StoredSamples(images, Scaling()), generator=torch.Generator(),
    )  # fmt: skip
    assert [len(inputs) for inputs in seen] == [64, 64, 64, 64, 22, 22] * 2
    assert all(inputs.is_contiguous(memory_format=torch.channels_last) for inputs in seen)


def test_a_network_of_products_alone_is_left_as_it_is() -> None:
    network = build_network("mlp-a:4-4", 4, SHAPE, 0)
    layout, inputs = Layout.of(network, "cpu"), torch.rand(9, *SHAPE)
    assert layout.batch(inputs) is inputs
    assert layout.samples_at_once > 64
