from __future__ import annotations

import copy
from collections.abc import Callable

import pytest
import torch
from pruning_support import blobs
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from pruning.networks.architecture import build_network
from pruning.samples.scaling import Scaling
from pruning.training.device_data import DeviceData
from pruning.training.engines.loop import Loop
from pruning.training.engines.stacked import Stacked
from pruning.training.recipe import Recipe

RECIPE = Recipe(
    optimizer="adam",
    learning_rate=0.01,
    weight_decay=0.001,
    batch_size=40,
    max_epochs=2,
    patience=2,
)
ARCHS = ("mlp-a:5-4", "mlp-a:2-6", "mlp-a:7-1")


def _data() -> DeviceData:
    return DeviceData.of(blobs(), "cpu")


def _members() -> list[nn.Module]:
    return [build_network(arch, 3, (1, 4, 4), seed) for seed, arch in enumerate(ARCHS)]


def _orders(members: int, samples: int = 96) -> Tensor:
    generator = torch.Generator().manual_seed(0)
    return torch.stack([torch.randperm(samples, generator=generator) for _ in range(members)])


def _two_linear_in_a_row(seed: int) -> nn.Module:
    torch.manual_seed(seed)
    return nn.Sequential(nn.Flatten(), nn.Linear(16, 4 + seed), nn.Linear(4 + seed, 3))


@pytest.mark.parametrize("make", [_members, lambda: [_two_linear_in_a_row(s) for s in range(3)]])
def test_the_written_out_gradient_is_autograds(
    make: Callable[[], list[nn.Module]],
) -> None:
    members, data, orders = make(), _data(), _orders(3)[:, :32]
    stacked = Stacked(members, data, RECIPE)
    losses = stacked.write_gradients(orders, data.train_labels[orders])
    for row, network in enumerate(members):
        logits = network(data.scaling(data.train_images[orders[row]]))
        loss = F.cross_entropy(logits, data.train_labels[orders[row]])
        loss.backward()
        assert losses[row].item() == pytest.approx(32 * loss.item(), rel=1e-5)
        for name, parameter in network.named_parameters():
            torch.testing.assert_close(
                stacked.gradient(row)[name], parameter.grad, rtol=1e-4, atol=1e-7
            )


@pytest.mark.parametrize("smoothing", [0.0, 0.2])
@pytest.mark.parametrize("optimizer", ["adam", "adamw", "sgd"])
def test_members_together_learn_what_each_learns_in_a_loop(
    optimizer: str, smoothing: float
) -> None:
    recipe = Recipe(
        optimizer=optimizer,  # type: ignore[arg-type]
        learning_rate=0.01, momentum=0.9, weight_decay=0.1, label_smoothing=smoothing,
        batch_size=40, max_epochs=2, patience=2,
    )  # fmt: skip
    members, data, orders = _members(), _data(), _orders(3)
    stacked = Stacked(members, data, recipe)
    loop = Loop(copy.deepcopy(members), data, recipe)
    for rate in (0.01, 0.005):
        assert stacked.epoch(orders, [rate] * 3) == pytest.approx(
            loop.epoch(orders, [rate] * 3), rel=1e-4
        )
    seen, expected = stacked.evaluate(), loop.evaluate()
    assert seen.losses == pytest.approx(expected.losses, rel=1e-4)
    assert seen.accuracies == pytest.approx(expected.accuracies)
    for row in range(3):
        for key, value in loop.weights(row).items():
            torch.testing.assert_close(stacked.weights(row)[key], value, rtol=1e-3, atol=1e-5)


def test_a_member_that_leaves_takes_nothing_with_it() -> None:
    members, data, orders = _members(), _data(), _orders(3)
    whole, cut = Stacked(members, data, RECIPE), Stacked(members, data, RECIPE)
    for engine in (whole, cut):
        engine.epoch(orders, [0.01] * 3)
    cut.narrow([0, 1])
    whole.epoch(orders, [0.01] * 3)
    cut.epoch(orders[:2], [0.01] * 3)
    assert cut.evaluate().losses == pytest.approx(whole.evaluate().losses[:2], rel=1e-4)
    for row in range(2):
        for key, value in whole.weights(row).items():
            torch.testing.assert_close(cut.weights(row)[key], value, rtol=1e-3, atol=1e-5)


def test_weights_come_back_without_the_padding() -> None:
    members = _members()
    stacked = Stacked(members, _data(), RECIPE)
    for row, network in enumerate(members):
        state = network.state_dict()
        assert {k: v.shape for k, v in stacked.weights(row).items()} == {
            k: v.shape for k, v in state.items()
        }
        assert all(torch.equal(stacked.weights(row)[k], v) for k, v in state.items())


def test_networks_that_do_not_fit_together_are_refused() -> None:
    others = [build_network(arch, 3, (1, 4, 4), 0) for arch in ("mlp-a:3", "mlp-a:3-3")]
    with pytest.raises(ValueError, match="same layers"):
        Stacked(others, _data(), RECIPE)
    without_bias = nn.Sequential(nn.Flatten(), nn.Linear(16, 3, bias=False))
    with pytest.raises(ValueError, match="without bias"):
        Stacked([without_bias], _data(), RECIPE)


def test_feature_rows_are_scaled_feature_by_feature() -> None:
    generator = torch.Generator().manual_seed(0)
    rows = torch.rand(30, 5, generator=generator)
    labels = torch.arange(30) % 3
    scaling = Scaling(tuple(range(5)), (1.0, 2.0, 3.0, 4.0, 5.0))
    data = DeviceData(rows, labels, rows, labels, scaling, 3)
    members: list[nn.Module] = [build_network("mlp-a:4", 3, (5,), seed) for seed in range(2)]
    orders = _orders(2, 30)
    stacked, loop = Stacked(members, data, RECIPE), Loop(copy.deepcopy(members), data, RECIPE)
    assert stacked.epoch(orders, [0.01]) == pytest.approx(loop.epoch(orders, [0.01]), rel=1e-4)
    assert stacked.evaluate().losses == pytest.approx(loop.evaluate().losses, rel=1e-4)
