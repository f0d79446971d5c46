from __future__ import annotations

import subprocess
import sys

import pytest
import torch
from pruning_support import random_masks
from torch import nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from pruning.inference.cost import UncountedOperationWarning, count_cost
from pruning.networks.architecture import build_network
from pruning.surgery import find_groups, shrink


def _conv(inputs: int, filters: int, side: int) -> int:
    return 2 * 9 * inputs * filters * side * side


HAND = [
    ("mlp-a", (1, 28, 28), 2 * (784 * 40 + 40 * 40 + 40 * 10)),
    ("conv-b", (1, 28, 28), _conv(1, 64, 28) + _conv(64, 64, 14) + 2 * 49 * 64 * 10),
    (
        "conv-c",
        (3, 32, 32),
        _conv(3, 64, 32) + _conv(64, 64, 32) + _conv(64, 128, 16) + _conv(128, 128, 16)
        + 2 * (8 * 8 * 128 * 256 + 256 * 10),
    ),
    (
        "conv-c4",
        (3, 32, 32),
        _conv(3, 64, 32) + _conv(64, 64, 16) + _conv(64, 128, 8) + _conv(128, 128, 4)
        + 2 * (2 * 2 * 128 * 256 + 256 * 10),
    ),
]  # fmt: skip


@pytest.mark.parametrize(("arch", "shape", "flops"), HAND)
def test_counted_flops_are_the_hand_computed_ones(
    arch: str, shape: tuple[int, ...], flops: int
) -> None:
    assert count_cost(build_network(arch, 10, shape, 0), shape).flops == flops


def test_parameters_and_bytes_of_mlp_a() -> None:
    cost = count_cost(build_network("mlp-a", 10, (1, 8, 8), 0), (1, 8, 8))
    assert cost.params == 64 * 40 + 40 + 40 * 40 + 40 + 40 * 10 + 10
    assert cost.bytes == 4 * cost.params


def test_a_pruned_network_costs_what_its_widths_say() -> None:
    network = build_network("mlp-a", 10, (1, 8, 8), 0)
    groups = find_groups(network, (1, 8, 8))
    masks = random_masks(groups)
    a, b = (int(masks[name].sum()) for name in ("fc1", "fc2"))
    assert count_cost(shrink(network, groups, masks), (1, 8, 8)).flops == 2 * (
        64 * a + a * b + b * 10
    )


def test_peak_activation_is_what_is_alive_at_once() -> None:
    # input 4, fc1 8, relu 8: input and both are held by nn.Sequential's loop at most two at
    # a time, beside the caller's input.
    network = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2))
    assert count_cost(network, (4,)).peak_activation_bytes == 4 * (4 + 8 + 8)


def test_counting_leaves_the_network_as_it_was() -> None:
    network = nn.Sequential(nn.BatchNorm1d(4), nn.Linear(4, 2)).train()
    before = {k: v.clone() for k, v in network.state_dict().items()}
    count_cost(network, (4,))
    assert network.training
    assert all(torch.equal(before[k], v) for k, v in network.state_dict().items())


class _Sorting(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.sort(dim=1).values


def test_an_operation_nobody_counts_is_a_warning() -> None:
    with pytest.warns(UncountedOperationWarning, match="'sort' is not in the FLOP count"):
        count_cost(nn.Sequential(nn.Linear(4, 4), _Sorting()), (4,))


def test_attention_is_counted_as_the_matrix_products_it_is() -> None:
    layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)
    tokens = 4
    projections = 8 * 24 + 8 * 8 + 2 * 8 * 16
    scores_and_values = 2 * tokens * 8
    assert count_cost(layer, (tokens, 8)).flops == 2 * tokens * (projections + scores_and_values)


@pytest.mark.parametrize("inference", [False, True])
@pytest.mark.parametrize("double", [False, True])
def test_the_count_is_the_same_wherever_it_is_asked_for(inference: bool, double: bool) -> None:
    network = nn.Sequential(
        nn.Conv2d(1, 3, 3), nn.BatchNorm2d(3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
        nn.Linear(12, 2),
    )  # fmt: skip
    network[1].eval()
    expected = count_cost(network, (1, 6, 6))
    if double:
        network = network.double()
    with torch.inference_mode(inference):
        found = count_cost(network, (1, 6, 6))
    assert (found.flops, found.params) == (expected.flops, expected.params)
    assert expected.flops == 2 * (9 * 3 * 16 + 12 * 2)
    assert found.peak_activation_bytes == expected.peak_activation_bytes * (1 + double)
    assert network.training and not network[1].training


@pytest.mark.parametrize(
    ("arch", "shape"),
    [("resnet20", (3, 32, 32)), ("mlp-a", (1, 8, 8)), ("vgg16-bn", (3, 32, 32)),
     ("torchvision:mobilenet_v3_small", (3, 64, 64)), ("torchvision:vit_b_32", (3, 224, 224))],
)  # fmt: skip
def test_flops_are_those_of_torchs_own_counter(arch: str, shape: tuple[int, ...]) -> None:
    network = build_network(arch, 10, shape, 0).eval()
    fused = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        with torch.no_grad(), sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as own:
            network(torch.zeros(1, *shape))
    finally:
        torch.backends.mha.set_fastpath_enabled(fused)
    assert count_cost(network, shape).flops == own.get_total_flops()


def test_neither_cost_nor_groups_import_a_compiler() -> None:
    code = (
        "import sys\n"
        "from pruning.networks.architecture import build_network\n"
        "from pruning.inference.cost import count_cost\n"
        "from pruning.surgery import find_groups\n"
        "network = build_network('conv-b:4-4', 3, (1, 8, 8), 0)\n"
        "count_cost(network, (1, 8, 8)), find_groups(network, (1, 8, 8))\n"
        "print('torch._dynamo' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
