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
        in_parts = Layout.of(network, inputs[:1]).through(network, inputs)
        none = Layout.of(network, inputs[:1]).through(network, inputs[:0])
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
    seen = [inputs for inputs in seen if len(inputs) > 2]  # two try the layout
    assert [len(inputs) for inputs in seen] == [64, 64, 64, 64, 22, 22] * 2
    assert all(inputs.is_contiguous(memory_format=torch.channels_last) for inputs in seen)


def test_a_network_of_products_alone_is_left_as_it_is() -> None:
    network = build_network("mlp-a:4-4", 4, SHAPE, 0)
    inputs = torch.rand(9, *SHAPE)
    layout = Layout.of(network, inputs[:1])
    assert layout.batch(inputs) is inputs
    assert layout.samples_at_once > 64


class ViewAfterConvolution(nn.Module):
    """The classic tutorial's network; a table of positions read with a view, too."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv, self.fc = nn.Conv2d(channels, 8, 3, padding=1), nn.Linear(512, 4)
        self.table = nn.Parameter(torch.randn(1, 8, 8, 8))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.conv(x).relu()
        return self.fc(x.view(len(x), -1) + self.table.view(1, -1))  # type: ignore[no-any-return]


@pytest.mark.parametrize("channels", [1, 3])
def test_a_network_written_for_channels_first_gets_them_first(channels: int) -> None:
    """Torch itself leaves the outputs of one channel as they are, except in bfloat16."""
    network, inputs = ViewAfterConvolution(channels).eval(), torch.rand(150, channels, 8, 8)
    with torch.inference_mode():
        expected = network(inputs)
        if channels == 1:  # as images are read
            inputs = inputs.as_strided(inputs.shape, (64, 1, 8, 1))
        layout = Layout.of(network, inputs[:1])
        torch.testing.assert_close(layout.through(network, inputs), expected)
        with torch.autocast("cpu", torch.bfloat16):
            layout.through(network, inputs)
    assert not layout.channels_last and network.conv.weight.stride()[-1] == 1
    assert network.conv.weight.stride() == torch.empty(8, channels, 3, 3).stride()
    assert layout == Layout.of(network, inputs[:0])


def test_trying_a_layout_leaves_mode_and_buffers_alone() -> None:
    network = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Dropout())
    network[1].eval()
    before = {key: value.clone() for key, value in network.state_dict().items()}
    Layout.of(network, torch.rand(1, *SHAPE))
    assert network[0].training and network[2].training and not network[1].training
    for key, value in network.state_dict().items():
        torch.testing.assert_close(value, before[key], rtol=0, atol=0)


def test_what_fails_in_any_layout_fails_where_it_is_used() -> None:
    network, inputs = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Linear(99, 2)), torch.rand(2, *SHAPE)
    layout = Layout.of(network, inputs[:1])
    assert layout.channels_last
    with pytest.raises(RuntimeError):
        layout.through(network, inputs)
