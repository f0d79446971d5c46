from __future__ import annotations

import copy
import dataclasses

import numpy as np
import pytest
import torch
from pruning_support import blobs
from torch import nn

from pruning.core.errors import RequestError
from pruning.data.splits import Split
from pruning.datafree.members import datafree
from pruning.datafree.merging import data_free_cutoff, differences, merge_units
from pruning.datafree.network import prune_data_free
from pruning.datafree.settings import Merging
from pruning.dropnet import DropNet, Runs, dropnet
from pruning.networks.architecture import build_network
from pruning.training.recipe import Recipe


def _network(activation: nn.Module | None = None) -> nn.Sequential:
    generator = torch.Generator().manual_seed(3)
    network = nn.Sequential(
        nn.Linear(6, 9), activation or nn.ReLU(), nn.Linear(9, 7), nn.ReLU(), nn.Linear(7, 3)
    ).double()
    for parameter in network.parameters():
        parameter.data.normal_(0, 1, generator=generator)
    return network


def _naive(distances: np.ndarray, outgoing: np.ndarray, count: int) -> list[tuple[int, int]]:
    """The loop of the paper: every saliency anew for every removal."""
    outgoing, alive, found = outgoing.copy(), list(range(len(distances))), []
    for _ in range(count):
        saliency, j, i = min(
            ((outgoing[j] ** 2).mean() * distances[i, j], j, i)
            for i in alive
            for j in alive
            if i != j
        )
        assert saliency >= 0
        found.append((j, i))
        outgoing[i] += outgoing[j]
        alive.remove(j)
    return found


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("kind", ["exact", "heuristic"])
def test_updating_saliencies_picks_what_recomputing_them_picks(seed: int, kind: str) -> None:
    rng = np.random.default_rng(seed)
    weights, bias, outgoing = (
        rng.normal(size=(30, 4)),
        rng.normal(size=30),
        rng.normal(size=(30, 5)),
    )
    distances = differences(weights, bias, kind)  # type: ignore[arg-type]
    merged, merges = merge_units(distances, outgoing, 29)
    assert [(m.removed, m.into) for m in merges] == _naive(distances, outgoing, 29)
    np.testing.assert_allclose(merged.sum(0), outgoing.sum(0), atol=1e-12)


def test_differences_by_hand() -> None:
    weights, bias = np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 0.0]]), np.array([1.0, 3.0, 0.0])
    exact = differences(weights, bias, "exact")
    assert exact[0, 1] == pytest.approx(2 + 4)
    assert exact[0, 2] == pytest.approx(1)
    relative = differences(weights, bias, "heuristic")
    assert relative[0, 1] == pytest.approx((1 + 2 / 4) ** 2)
    assert relative[0, 2] == pytest.approx((0 + 1 / 1) ** 2)
    assert np.isinf(np.diag(relative)).all()
    assert differences(np.ones((2, 1)), np.zeros(2), "heuristic")[0, 1] == 0  # 0 / 0


@pytest.mark.parametrize("kind", ["exact", "heuristic"])
def test_copies_and_multiples_merge_without_any_change(kind: str) -> None:
    network = _network()
    first, second = network[0], network[2]
    with torch.no_grad():
        first.weight[4], first.bias[4] = first.weight[1] * 3, first.bias[1] * 3
        first.weight[8], first.bias[8] = first.weight[0], first.bias[0]
        second.weight[5], second.bias[5] = second.weight[2] / 2, second.bias[2] / 2
    before = copy.deepcopy(network.state_dict())
    done = prune_data_free(network, (6,), count={"0": 2, "2": 1}, saliency=kind)  # type: ignore[arg-type]
    x = torch.randn(20, 6, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(done.network(x), network(x), rtol=1e-9, atol=1e-9)
    assert [layer.out_features for layer in done.network if isinstance(layer, nn.Linear)] == [
        7,
        6,
        3,
    ]
    assert {m.removed for m in done.merges["0"]} <= {0, 1, 4, 8}
    assert all(torch.equal(before[key], value) for key, value in network.state_dict().items())


def test_multiples_are_no_copies_where_the_activation_does_not_scale() -> None:
    network = _network(nn.Tanh())
    with torch.no_grad():
        network[0].weight[4], network[0].bias[4] = network[0].weight[1], network[0].bias[1]
        network[0].weight[6], network[0].bias[6] = network[0].weight[2] * 2, network[0].bias[2] * 2
    done = prune_data_free(network, (6,), count={"0": 1}, saliency="exact")
    assert {done.merges["0"][0].removed, done.merges["0"][0].into} == {1, 4}


def test_filters_merge_too() -> None:
    network = build_network("lenet:4-5-12", 3, (1, 16, 16), 0).double()
    with torch.no_grad():
        network.conv2.weight[3] = network.conv2.weight[1]
    done = prune_data_free(network, (1, 16, 16), count={"conv2": 1}, saliency="exact")
    x = torch.rand(5, 1, 16, 16, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(done.network(x), network(x), rtol=1e-9, atol=1e-9)


class _Beside(nn.Module):
    """Two layers side by side whose units one layer reads."""

    def __init__(self, beside: int) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(6, 7), nn.Linear(6, beside)
        self.last = nn.Linear(7 + beside, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Concatenate and read."""
        parts = self.second(x).relu(), self.first(x).relu()
        read: torch.Tensor = self.last(torch.cat(parts, 1))
        return read


@pytest.mark.parametrize("beside", [5, 14])
def test_what_another_layer_gives_the_same_reader_stays(beside: int) -> None:
    network = _Beside(beside).double()
    with torch.no_grad():
        network.first.weight[4], network.first.bias[4] = (
            network.first.weight[1] * 3, network.first.bias[1] * 3,
        )  # fmt: skip
    done = prune_data_free(network, (6,), count={"first": 1})
    assert {done.merges["first"][0].removed, done.merges["first"][0].into} == {1, 4}
    x = torch.randn(20, 6, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(done.network(x), network(x), rtol=1e-9, atol=1e-9)


def test_a_fraction_is_of_each_layer() -> None:
    done = prune_data_free(_network(), (6,), fraction=0.5)
    assert {name: int(mask.sum()) for name, mask in done.masks.items()} == {"0": 5, "2": 4}


def test_the_cut_off_is_the_hump_and_not_the_spike() -> None:
    rng = np.random.default_rng(0)
    spike, hump = np.abs(rng.normal(0, 0.02, 200)), rng.normal(1.3, 0.15, 300)
    values = np.sort(np.concatenate([spike, hump, rng.exponential(20, 5)]))
    assert data_free_cutoff(values) > 200
    assert values[data_free_cutoff(values)] == pytest.approx(1.3, abs=0.1)
    assert data_free_cutoff(np.zeros(5)) == 5


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"count": {"4": 1}}, "layer '4' cannot be merged; these can: 0, 2"),
        ({"count": {"0": 9}}, "cannot remove 9 of the 9 units of layer '0'; choose 0 … 8"),
        ({"fraction": 1.0}, r"fraction 1.0 must lie in \[0, 1\)"),
        ({"fraction": 0.5, "saliency": "exat"}, "unknown saliency 'exat'; did you mean 'exact'"),
    ],
)
def test_impossible_requests_are_said(options: dict[str, object], says: str) -> None:
    with pytest.raises(RequestError, match=says):
        prune_data_free(_network(), (6,), **options)  # type: ignore[arg-type]


def test_as_a_pruner_it_trains_once_and_merges() -> None:
    runs, splits = Runs("mlp-a:12-8", (0, 1), (4, 5)), blobs()
    training = DropNet(rounds=0, recipe=Recipe(batch_size=16, max_epochs=3, learning_rate=0.01))
    first, second = datafree(dropnet(runs, splits, training), splits, Merging(0.5))
    assert [(m.run, m.round, len(m.epochs)) for m in second] == [(0, 1, 0), (1, 1, 0)]
    for before, after in zip(first, second, strict=True):
        assert (before.remaining, after.remaining) == (1.0, 0.5)
        assert after.baseline_accuracy == before.val_accuracy
        assert after.network[1].out_features == 6  # type: ignore[index]
    resumed = dropnet(runs, splits, training, start=first)
    (again,) = datafree(resumed, splits, Merging(0.5), start=first)
    for one, other in zip(second, again, strict=True):
        for key, value in one.network.state_dict().items():
            assert torch.equal(value, other.network.state_dict()[key])


def test_its_accuracy_counts_classes_as_the_training_did() -> None:
    runs, even = Runs("mlp-a:12-8", (0,), (4,)), blobs()
    rows = np.concatenate([np.flatnonzero(even.val.labels == c)[:n] for c, n in ((0, 9), (1, 2))])
    part = Split(even.val.images[rows], even.val.labels[rows])
    splits = dataclasses.replace(even, val=part)
    recipe = Recipe(batch_size=16, max_epochs=1, class_weights="balanced")
    trained = dropnet(runs, splits, DropNet(rounds=0, recipe=recipe))
    _, (member,) = datafree(trained, splits, Merging(0.5), class_weights="balanced")
    answers = member.network(splits.scaling(torch.tensor(part.images))).argmax(1).numpy()
    shares = [(answers[part.labels == c] == c).mean() for c in (0, 1)]
    assert member.val_accuracy == pytest.approx(np.mean(shares))
