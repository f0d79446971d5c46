from __future__ import annotations

import numpy as np
import pytest
import torch
from pruning_support import masked_output, random_masks
from torch import nn

from pruning.core.errors import RequestError
from pruning.networks.architecture import build_network
from pruning.surgery import find_groups, full_masks, module_sizes, resize, shrink
from pruning.surgery.groups import Slice

NETWORKS = [
    ("mlp-a", (1, 8, 8)),
    ("conv-b", (1, 12, 12)),
    ("conv-c:8-9-10-11-12", (3, 8, 8)),
    ("conv-c4:8-9-10-11-12", (3, 16, 16)),
]


@pytest.mark.parametrize(("arch", "shape"), NETWORKS)
def test_the_small_network_computes_what_the_masked_one_does(
    arch: str, shape: tuple[int, ...]
) -> None:
    network = build_network(arch, 5, shape, seed=3).double()
    groups = find_groups(network.float(), shape)
    network = network.double()
    masks = random_masks(groups)
    inputs = torch.rand(7, *shape, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    small = shrink(network, groups, masks).eval()
    expected = masked_output(network, groups, masks, inputs)
    with torch.no_grad():
        difference = (small(inputs) - expected).abs().max()
    assert difference <= 1e-9 * expected.abs().max()
    kept = sum(int(mask.sum()) for mask in masks.values())
    widths = [m.weight.shape[0] for n, m in small.named_modules() if n in masks]  # type: ignore[union-attr]
    assert sum(widths) == kept < sum(group.size for group in groups)


@pytest.mark.parametrize(("arch", "shape"), NETWORKS)
def test_stored_sizes_and_weights_rebuild_the_network(arch: str, shape: tuple[int, ...]) -> None:
    network = build_network(arch, 5, shape, seed=3)
    groups = find_groups(network, shape)
    small = shrink(network, groups, random_masks(groups)).eval()
    rebuilt = resize(build_network(arch, 5, shape, seed=99), module_sizes(small)).eval()
    rebuilt.load_state_dict(small.state_dict())
    inputs = torch.rand(2, *shape)
    assert torch.equal(rebuilt(inputs), small(inputs))


def test_full_masks_change_nothing() -> None:
    network = build_network("conv-b:4-6", 3, (1, 8, 8), seed=0)
    groups = find_groups(network, (1, 8, 8))
    same = shrink(network, groups, full_masks(groups))
    for key, value in network.state_dict().items():
        assert torch.equal(value, same.state_dict()[key])


def test_the_dense_layer_that_is_kept_whole_and_the_output_are_no_groups() -> None:
    network = build_network("conv-c", 10, (3, 32, 32), seed=0)
    assert [(g.name, g.size) for g in find_groups(network, (3, 32, 32))] == [
        ("conv1", 64), ("conv2", 64), ("conv3", 128), ("conv4", 128),
    ]  # fmt: skip


def test_a_mask_that_empties_a_layer_is_refused() -> None:
    network = build_network("mlp-a:3-3", 2, (4,), seed=0)
    groups = find_groups(network, (4,))
    masks = full_masks(groups) | {"fc1": torch.zeros(3, dtype=torch.bool)}
    with pytest.raises(ValueError, match=r"'fc1' .* keeping at least 1"):
        shrink(network, groups, masks)


def test_nothing_to_prune_is_said() -> None:
    with pytest.raises(RequestError, match="no layer that can be pruned"):
        find_groups(nn.Sequential(nn.Flatten(), nn.Linear(4, 2)), (1, 2, 2))


def test_a_network_that_does_not_take_the_input_is_said() -> None:
    with pytest.raises(RequestError, match=r"cannot be followed on an input of shape \(7,\)"):
        find_groups(nn.Sequential(nn.Linear(4, 3), nn.ReLU(), nn.Linear(3, 2)), (7,))


def test_a_depthwise_convolution_may_have_many_channels() -> None:
    many = {"in_channels": 3000, "out_channels": 3000, "groups": 3000}
    network = resize(nn.Sequential(nn.Conv2d(4, 4, 3, groups=4)), {"0": many})
    assert network.get_parameter("0.weight").shape == (3000, 1, 3, 3)


@pytest.mark.parametrize(
    "sizes",
    [
        {"nowhere": {"in_features": 1, "out_features": 1}},
        {"fc1": {"in_features": 4}},
        {"fc1": {"in_features": 4, "out_features": -1}},
        {"fc1": {"in_features": 4, "out_features": 0}},
        {"fc1": {"in_features": 4, "out_features": 2**40}},
        {"relu1": {"in_features": 4, "out_features": 1}},
    ],
)
def test_sizes_that_do_not_fit_are_refused(sizes: dict[str, dict[str, int]]) -> None:
    with pytest.raises(ValueError, match="stored sizes"):
        resize(build_network("mlp-a:3-3", 2, (4,), seed=0), sizes)


def _pruned_by(masks: object) -> nn.Module:
    network = build_network("mlp-a:3-4", 2, (4,), seed=0)
    return shrink(network, find_groups(network, (4,)), masks)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("masks", "says"),
    [
        ({}, "no mask for group 'fc1'; there are masks for none: start from full_masks"),
        ({"fc1": torch.ones(3) > 0}, "no mask for group 'fc2'; there are masks for 'fc1'"),
        ({"fc1": torch.ones(3), "fc2": torch.ones(4) > 0}, r"'fc1' is torch.float32 of shape \(3,"),
        (
            {"fc1": [True] * 4, "fc2": [True] * 4},
            r"'fc1' is torch.bool of shape \(4,\) with 4",
        ),
    ],
)
def test_masks_that_do_not_fit_are_refused_in_a_line(masks: object, says: str) -> None:
    with pytest.raises(RequestError, match=says) as error:
        _pruned_by(masks)
    assert "\n" not in str(error.value)


def test_masks_may_be_arrays() -> None:
    masks = {"fc1": np.array([True, False, True]), "fc2": [True, True, False, False]}
    small = _pruned_by(masks)
    assert [small.fc1.out_features, small.fc2.out_features] == [2, 2]  # type: ignore[union-attr]


def test_groups_of_another_network_are_refused() -> None:
    network = build_network("mlp-a:3-4", 2, (4,), seed=0)
    groups = find_groups(network, (4,))
    small = shrink(network, groups, {"fc1": torch.arange(3) < 2, "fc2": torch.arange(4) < 3})
    with pytest.raises(RequestError, match=r"layer 'fc1' has 2 channels .*find_groups on this"):
        shrink(small, groups, full_masks(groups))
    with pytest.raises(RequestError, match="layer 'fc1' has 0 channels"):
        shrink(nn.Sequential(nn.Linear(4, 2)), groups, full_masks(groups))


@pytest.mark.parametrize("shape", [5, "5", (), (0,), (4.0,), None])
def test_a_shape_that_is_none_is_said(shape: object) -> None:
    with pytest.raises(RequestError, match="must be the shape of one sample, without a batch axis"):
        find_groups(build_network("mlp-a:3-4", 2, (4,), seed=0), shape)  # type: ignore[arg-type]


def test_groups_compare_and_hash_by_what_they_hold() -> None:
    first, again = (find_groups(build_network("mlp-a:3-4", 2, (4,), seed), (4,)) for seed in (0, 1))
    assert first == again and hash(first) == hash(again)
    assert first != find_groups(build_network("mlp-a:4-4", 2, (4,), 0), (4,))
    one = Slice("a", "out", torch.tensor([0, 1]))
    assert one == Slice("a", "out", torch.tensor([0, 1]))
    for other in (("b", "out", [0, 1]), ("a", "in", [0, 1]), ("a", "out", [1, 0])):
        assert one != Slice(other[0], other[1], torch.tensor(other[2]))  # type: ignore[arg-type]


@pytest.mark.parametrize("slopes", [1, 2])
def test_learned_slopes_are_cut_with_their_channels(slopes: int) -> None:
    network = nn.Sequential(nn.Linear(3, 2), nn.PReLU(slopes), nn.Linear(2, 2))
    network[1].weight.data = torch.tensor([0.1, 0.7])[-slopes:]
    (group,) = find_groups(network, (3,))
    small = shrink(network, (group,), {"0": [False, True]})  # type: ignore[dict-item]
    assert small[1].num_parameters == 1  # type: ignore[index, union-attr]
    x = torch.randn(4, 3, generator=torch.Generator().manual_seed(0))
    expected = masked_output(network, (group,), {"0": torch.arange(2) > 0}, x)
    torch.testing.assert_close(small(x), expected)
