"""Counted work, not seconds: a change that makes a build slower is seen on any machine.

Operations count each call of a kernel (views are free), passes count how often the training
samples are read. Fewer is fine: lower the number here with the change that saves it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import torch
from pruning_support import blobs
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import FlopCounterMode

from pruning.dropnet import DropNet, Runs, dropnet
from pruning.dropnet.rescaling import FEW
from pruning.dropnet.settings import Rewind, Rewinding
from pruning.networks.architecture import build_network
from pruning.training.device_data import DeviceData
from pruning.training.engines.engine import ENGINES
from pruning.training.recipe import Recipe

MEMBERS, SAMPLES, BATCH = 4, 96, 32
RECIPE = Recipe(
    optimizer="adam",
    learning_rate=0.01,
    weight_decay=0.0,
    batch_size=BATCH,
    max_epochs=2,
    patience=2,
    attempts=1,
)
"""Two epochs of so little may leave a member at chance; it is not drawn anew."""


class Work(TorchDispatchMode):
    """Counts kernels, and the training samples that they read."""

    def __init__(self, images: torch.Tensor) -> None:
        super().__init__()
        self.operations, self.samples = 0, 0
        self._images = _storage(images)

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        made = func(*args, **(kwargs or {}))
        first = args[0] if args else None
        # Without gradients `Tensor.to` and its like arrive whole, and call themselves views.
        viewed = func.is_view and _storage(made) == _storage(first)
        if not viewed:
            self.operations += 1
            self.samples += len(made) if _storage(first) == self._images else 0
        return made


def _storage(value: Any) -> int | None:
    return value.untyped_storage().data_ptr() if isinstance(value, torch.Tensor) else None


@contextmanager
def _counted(data: DeviceData) -> Iterator[tuple[Work, FlopCounterMode]]:
    with FlopCounterMode(display=False) as flops, Work(data.train_images) as work:
        yield work, flops


@pytest.mark.parametrize(
    ("engine", "arch", "most"), [("stacked", "mlp-a:12-8", 34), ("loop", "conv-b:6-5", 65)]
)
def test_an_epoch_does_no_more_than_it_must(engine: str, arch: str, most: int) -> None:
    data = DeviceData.of(blobs(), "cpu")
    members = MEMBERS if engine == "stacked" else 1
    networks = [build_network(arch, 3, (1, 4, 4), seed) for seed in range(members)]
    running = ENGINES[engine](networks, data, RECIPE)
    orders = torch.arange(SAMPLES).repeat(members, 1)
    with FlopCounterMode(display=False) as forward, torch.no_grad():
        networks[0](torch.zeros(1, 1, 4, 4))
    with FlopCounterMode(display=False) as first, torch.no_grad():
        next(m for m in networks[0].modules() if hasattr(m, "weight"))(
            torch.zeros(1, 16) if engine == "stacked" else torch.zeros(1, 1, 4, 4)
        )
    with _counted(data) as (work, flops):
        running.epoch(orders, [0.01] * (SAMPLES // BATCH))
    assert work.samples == members * SAMPLES
    # Forward once, backward twice, but no gradient of the input itself.
    must = members * SAMPLES * (3 * forward.get_total_flops() - first.get_total_flops())
    assert flops.get_total_flops() == must
    steps = SAMPLES // BATCH
    assert work.operations <= most * steps, work.operations / steps


@pytest.mark.parametrize(
    ("rewind", "rounds"), [("initial", 2), ("late", 2), ("random", 1), ("trained", 2)]
)
def test_a_run_reads_the_data_once_an_epoch_and_once_a_score(rewind: Rewind, rounds: int) -> None:
    splits = blobs()
    data = DeviceData.of(splits, "cpu")
    settings = DropNet(
        kappa=0.0, keep=0.0, rounds=rounds, recipe=RECIPE, rewinding=Rewinding(rewind)
    )
    runs = Runs("mlp-a:12-8", tuple(range(MEMBERS)), tuple(range(MEMBERS)))
    with Work(data.train_images) as work:
        trained = list(dropnet(runs, splits, settings))
    epochs = sum(len(member.epochs) for members in trained for member in members)
    # A sweep is one for the whole population, and late weights are met on the way; a few
    # samples are looked at once, to keep the signals of weights that go back as they were.
    looked_at = 0 if rewind == "trained" else FEW
    assert work.samples == SAMPLES * (epochs + rounds) + looked_at


def test_the_counter_sees_work_that_is_done_twice() -> None:
    data = DeviceData.of(blobs(), "cpu")
    networks = [build_network("mlp-a:12-8", 3, (1, 4, 4), seed) for seed in range(2)]
    running = ENGINES["stacked"](networks, data, RECIPE)
    found = []
    for times in (1, 2):
        with _counted(data) as (work, flops):
            for _ in range(times):
                running.epoch(torch.arange(SAMPLES).repeat(2, 1), [0.01] * (SAMPLES // BATCH))
        found.append((work.samples, flops.get_total_flops()))
    assert found[1] == (2 * found[0][0], 2 * found[0][1])
