"""Which networks the recipes of plain MLPs, of normed networks and of others are for."""

from __future__ import annotations

import pytest
import torch
from pruning_support import narrow
from torch import nn

from pruning.core.torchvision_compat import import_torchvision
from pruning.networks.architecture import build_network
from pruning.surgery import find_groups, shrink
from pruning.training.network_kind import network_kind

NORMED = ("resnet20", "resnet56", "resnet18-bn", "vgg16-bn")


@pytest.mark.parametrize("arch", NORMED)
def test_convolutions_with_a_batch_norm_each_and_one_linear_layer_are_normed(arch: str) -> None:
    assert network_kind(build_network(arch, 10, (3, 32, 32), 0)) == "normed"


@pytest.mark.parametrize("name", ["resnet18", "resnet50"])
def test_torchvisions_networks_of_that_shape_are_normed(name: str) -> None:
    network = import_torchvision().models.get_model(name, weights=None, num_classes=4)
    assert network_kind(network) == "normed"


@pytest.mark.parametrize(
    "name", ["vgg11_bn", "densenet121", "mobilenet_v2", "vit_b_16", "squeezenet1_1"]
)
def test_linear_layers_and_convolutions_in_groups_or_with_no_norm_after_them_are_not(
    name: str,
) -> None:
    network = import_torchvision().models.get_model(name, weights=None, num_classes=4)
    assert network_kind(network) == "other"


@pytest.mark.parametrize("arch", ["conv-c", "conv-c4", "conv-b", "lenet"])
def test_networks_without_norms_are_others(arch: str) -> None:
    assert network_kind(build_network(arch, 10, (3, 32, 32), 0)) == "other"


@pytest.mark.parametrize(
    "layers",
    [
        (nn.BatchNorm2d(3), nn.Conv2d(3, 8, 3), nn.ReLU()),
        (nn.Conv2d(3, 8, 3), nn.Flatten(), nn.BatchNorm1d(288)),
        (nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.BatchNorm2d(8), nn.Conv2d(8, 9, 3)),
        (nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.ConvTranspose2d(8, 8, 3)),
        (nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.PReLU()),
        (nn.Conv2d(3, 6, 3, groups=3), nn.BatchNorm2d(6)),
    ],
)
def test_norms_elsewhere_and_parameters_beside_them_do_not_count(
    layers: tuple[nn.Module, ...],
) -> None:
    assert network_kind(nn.Sequential(*layers, nn.Flatten(), nn.LazyLinear(2))) == "other"


def test_rows_with_norms_are_not_and_plain_mlps_are_their_own_kind() -> None:
    normed_rows = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 2))
    assert network_kind(normed_rows) == "other"
    assert network_kind(build_network("mlp-a", 10, (64,), 0)) == "plain-mlp"


@pytest.mark.parametrize("arch", NORMED)
def test_pruning_does_not_change_it(arch: str) -> None:
    network = build_network(narrow(arch), 10, (3, 32, 32), 0)
    groups = find_groups(network, (3, 32, 32))
    one_each = {group.name: torch.arange(group.size) == 0 for group in groups}
    assert network_kind(shrink(network, groups, one_each)) == "normed"
