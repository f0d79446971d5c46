"""Every registered network: small = masked; of those built in, the cost computed by hand."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import pytest
from pruning_support import narrow
from torch import nn

from pruning.inference.cost import count_cost
from pruning.networks.architecture import NETWORKS, build_network
from pruning.surgery import Analysis, find_groups

IMAGE = (3, 32, 32)


def _factory(arch: str) -> Callable[[], nn.Module]:
    return lambda: build_network(arch, 10, IMAGE, 0)


@pytest.mark.parametrize("name", NETWORKS.names())
def test_a_registered_network_shrinks_to_what_it_masks(
    name: str, assert_surgery_holds: Callable[..., Analysis]
) -> None:
    analysis = assert_surgery_holds(_factory(narrow(name)), IMAGE)
    assert analysis.groups
    assert analysis.refusals == ()


@pytest.mark.slow
@pytest.mark.parametrize(
    "name",
    ["resnet18", "resnet18-bn", "vgg16-bn", "vgg19", "resnet56", "alexnet", "conv-c", "lenet"],
)
def test_a_built_in_network_of_full_width_shrinks_to_what_it_masks(
    name: str, assert_surgery_holds: Callable[..., Analysis]
) -> None:
    assert_surgery_holds(_factory(name), IMAGE)


def _conv(side: int, channels: int, filters: int) -> int:
    """FLOPs of a 3×3 'same' convolution over side × side positions."""
    return 2 * side * side * 9 * channels * filters


BY_HAND = {
    # 2 × (3072·40 + 40·40 + 40·10)
    "mlp-a": 249_760,
    # 2 × (32²·27·64 + 16²·576·64 + 4096·10)
    "conv-b": 2 * (1_769_472 + 9_437_184 + 40_960),
    # 2 × (32²·27·64 + 32²·576·64 + 16²·576·128 + 16²·1152·128 + 8192·256 + 2560)
    "conv-c": 2 * (1_769_472 + 37_748_736 + 18_874_368 + 37_748_736 + 2_097_152 + 2_560),
    "resnet18": _conv(32, 3, 64) + 4 * _conv(16, 64, 64)
    + 2 * _conv(8, 64, 128) + 3 * _conv(8, 128, 128)
    + 2 * _conv(4, 128, 256) + 3 * _conv(4, 256, 256)
    + 2 * _conv(2, 256, 512) + 3 * _conv(2, 512, 512) + 2 * 512 * 10,
    # A stem and four convolutions of 64, the 1×1 shortcuts of the three stages that follow
    "resnet18-bn": _conv(32, 3, 64) + 4 * _conv(32, 64, 64)
    + _conv(16, 64, 128) + 3 * _conv(16, 128, 128) + 2 * 16**2 * 64 * 128
    + _conv(8, 128, 256) + 3 * _conv(8, 256, 256) + 2 * 8**2 * 128 * 256
    + _conv(4, 256, 512) + 3 * _conv(4, 512, 512) + 2 * 4**2 * 256 * 512 + 2 * 512 * 10,
    "vgg16-bn": _conv(32, 3, 64) + _conv(32, 64, 64) + _conv(16, 64, 128) + _conv(16, 128, 128)
    + _conv(8, 128, 256) + 2 * _conv(8, 256, 256) + _conv(4, 256, 512) + 2 * _conv(4, 512, 512)
    + 3 * _conv(2, 512, 512) + 2 * 512 * 10,
    "vgg19": _conv(32, 3, 64) + _conv(32, 64, 64) + _conv(16, 64, 128) + _conv(16, 128, 128)
    + _conv(8, 128, 256) + 3 * _conv(8, 256, 256) + _conv(4, 256, 512) + 3 * _conv(4, 512, 512)
    + 4 * _conv(2, 512, 512) + 2 * 512 * 256 + 2 * 256 * 10,
}  # fmt: skip


@pytest.mark.parametrize("name", BY_HAND)
def test_counted_flops_are_the_hand_computed_ones(name: str) -> None:
    assert count_cost(build_network(name, 10, IMAGE, 0), IMAGE).flops == BY_HAND[name]


@pytest.mark.parametrize(
    ("arch", "masks", "filters"),
    [("resnet18", 20, 4800), ("vgg19", 16, 5504), ("conv-c4", 4, 384), ("mlp-a", 2, 80)],
)
def test_the_published_networks_have_the_published_masks(
    arch: str, masks: int, filters: int
) -> None:
    network = build_network(arch, 10, IMAGE, 0)
    producers = [p for g in find_groups(network, IMAGE) for p in g.producers]
    assert len(producers) == masks
    assert sum(len(network.get_submodule(p).get_parameter("weight")) for p in producers) == filters


@pytest.mark.parametrize(("depth", "parameters"), [(20, 0.27), (32, 0.46), (44, 0.66), (56, 0.85)])
def test_the_residual_networks_are_as_large_as_published(depth: int, parameters: float) -> None:
    """He et al. 2016, table 6, in millions; the projections add 2,560 and their norms."""
    counted = count_cost(build_network(f"resnet{depth}", 10, IMAGE, 0), IMAGE).params
    assert counted / 1e6 == pytest.approx(parameters, abs=0.01)


def test_the_networks_with_norms_after_every_convolution_are_as_large_as_their_layers() -> None:
    """3×3 kernels, the shortcuts' 1×1, two numbers a channel and norm, the last layer."""
    stages = ((64, 64), (64, 128), (128, 256), (256, 512))
    kernels = 9 * (3 * 64 + sum(w * (c + 3 * w) for c, w in stages))
    shortcuts = sum(c * w for c, w in stages[1:])
    norms = 2 * (64 + 4 * 64 + 5 * (128 + 256 + 512))
    resnet = count_cost(build_network("resnet18-bn", 10, IMAGE, 0), IMAGE)
    assert resnet.params == kernels + shortcuts + norms + 513 * 10 == 11_173_962
    channels = [3, 64, 64, 128, 128, 256, 256, 256, *[512] * 6]
    kernels = 9 * sum(a * b for a, b in itertools.pairwise(channels))
    vgg = count_cost(build_network("vgg16-bn", 10, IMAGE, 0), IMAGE)
    assert vgg.params == kernels + 2 * sum(channels[1:]) + 513 * 10 == 14_724_042


@pytest.mark.parametrize(("name", "norms"), [("vgg16-bn", 13), ("resnet18-bn", 20)])
def test_every_convolution_of_a_network_with_norms_has_one(name: str, norms: int) -> None:
    network = build_network(narrow(name), 10, IMAGE, 0)
    kinds = [type(m) for m in network.modules() if isinstance(m, nn.Conv2d | nn.BatchNorm2d)]
    assert kinds == [nn.Conv2d, nn.BatchNorm2d] * norms


def test_the_lenet_of_the_paper_on_mnist() -> None:
    cost = count_cost(build_network("lenet", 10, (1, 28, 28), 0), (1, 28, 28))
    assert cost.params == 431_080  # Srinivas & Babu 2015, table 1
