from __future__ import annotations

import copy

import pytest
import torch
from pruning_support import blobs

from pruning.networks.architecture import build_network
from pruning.training.device_data import DeviceData
from pruning.training.engines.loop_bf16 import LoopBf16
from pruning.training.engines.streams import Streams
from pruning.training.recipe import Recipe

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device is here")


def test_captured_steps_learn_what_plain_ones_learn() -> None:
    data = DeviceData.of(blobs(), "cuda")
    recipe = Recipe(
        optimizer="adam", learning_rate=0.01, weight_decay=0.0, batch_size=40, max_epochs=3,
        patience=3,
    )  # fmt: skip
    networks = [build_network("conv-b:6-5", 3, (1, 4, 4), seed).cuda() for seed in range(3)]
    streams = Streams(copy.deepcopy(networks), data, recipe)
    loop = LoopBf16(copy.deepcopy(networks), data, recipe)
    order = torch.Generator().manual_seed(0)
    for rate in (0.01, 0.005, 0.001):
        orders = torch.stack([torch.randperm(96, generator=order) for _ in range(3)]).cuda()
        assert streams.epoch(orders, [rate] * 3) == pytest.approx(
            loop.epoch(orders, [rate] * 3), rel=0.05
        )
    for row in range(3):
        for key, value in loop.weights(row).items():
            torch.testing.assert_close(streams.weights(row)[key], value, rtol=0.1, atol=0.02)
