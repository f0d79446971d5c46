from __future__ import annotations

import copy

import pytest
import torch
from pruning_support import blobs
from torch import Tensor, nn

from pruning.networks.architecture import build_network
from pruning.training.device_data import DeviceData
from pruning.training.engines.loop import Loop
from pruning.training.engines.loop_bf16 import LoopBf16
from pruning.training.recipe import Recipe

RECIPE = Recipe(
    optimizer="adam", learning_rate=0.01, weight_decay=0.0, batch_size=16, max_epochs=4, patience=4
)


def _networks() -> list[nn.Module]:
    return [build_network("conv-b:6-5", 3, (1, 4, 4), seed) for seed in range(2)]


def _orders() -> Tensor:
    generator = torch.Generator().manual_seed(0)
    return torch.stack([torch.randperm(96, generator=generator) for _ in range(2)])


def test_bf16_learns_what_float32_learns_and_leaves_float32() -> None:
    data = DeviceData.of(blobs(), "cpu")
    engines = [kind(_networks(), data, RECIPE) for kind in (Loop, LoopBf16)]
    for _ in range(RECIPE.max_epochs or 0):
        losses = [engine.epoch(_orders(), [0.01] * 6) for engine in engines]
    assert losses[1] == pytest.approx(losses[0], rel=0.1)
    assert losses[1] != losses[0]
    weights = [engine.weights(0) for engine in engines]
    assert all(value.dtype == torch.float32 for value in weights[1].values())
    # The master weights move by less than bfloat16 can tell apart: they are not rounded.
    assert any(not torch.equal(v, v.bfloat16().float()) for v in weights[1].values())
    for engine, state in zip(engines, weights, strict=True):
        network = _networks()[0]
        network.load_state_dict(state)
        with torch.no_grad():
            logits = network(data.scaling(data.val_images))
        loss = nn.functional.cross_entropy(logits, data.val_labels)
        assert engine.evaluate().losses[0] == pytest.approx(loss.item(), rel=1e-4)


def test_members_of_a_loop_share_nothing() -> None:
    data = DeviceData.of(blobs(), "cpu")
    together = Loop(_networks(), data, RECIPE)
    together.epoch(_orders(), [0.01] * 6)
    together.narrow([1])
    second = together.epoch(_orders()[1:], [0.01] * 6)
    alone = Loop([copy.deepcopy(_networks()[1])], data, RECIPE)
    alone.epoch(_orders()[1:], [0.01] * 6)
    assert alone.epoch(_orders()[1:], [0.01] * 6) == second
    assert all(torch.equal(v, together.weights(0)[k]) for k, v in alone.weights(0).items())


def _normed() -> nn.Module:
    return nn.Sequential(nn.Flatten(), nn.Linear(16, 5), nn.BatchNorm1d(5), nn.Linear(5, 3))


@pytest.mark.parametrize("samples", range(2, 40))
def test_every_sample_is_in_one_batch_and_no_batch_norm_sees_a_last_one_alone(samples: int) -> None:
    data = DeviceData.of(blobs(), "cpu")
    for network in (_normed(), _networks()[0]):
        batches = list(Loop([network], data, RECIPE).members[0].batches(samples))
        rows = [list(range(samples))[part] for part in batches]
        assert [row for part in rows for row in part] == list(range(samples))
        assert all(len(part) == 16 for part in rows[:-1])
        alone = len(rows[-1]) == 1
        assert alone == (samples % 16 == 1 and network[2].__class__ is not nn.BatchNorm1d)


def test_a_last_batch_of_one_is_learnt_from_with_a_batch_norm() -> None:
    data, network = DeviceData.of(blobs(), "cpu"), _normed()
    loss = Loop([network], data, RECIPE).epoch(_orders()[:1, :33], [0.01] * 3)
    assert loss == pytest.approx([loss[0]]) and network[2].num_batches_tracked == 2
