"""Captured engines on a processor, where their lanes do what they are told as it comes."""

from __future__ import annotations

import copy
from collections.abc import Callable

import pytest
import torch
from pruning_support import blobs
from torch import Tensor, nn

from pruning.networks.architecture import build_network
from pruning.training.augmenter import Augmenter
from pruning.training.device_data import DeviceData
from pruning.training.engines import compiled, recorded
from pruning.training.engines.compiled import Compiled
from pruning.training.engines.engine import Engine
from pruning.training.engines.loop import Loop
from pruning.training.engines.loop_bf16 import LoopBf16
from pruning.training.engines.stacked import Stacked
from pruning.training.engines.streams import Streams, StreamsFloat32
from pruning.training.recipe import Recipe

DEVICE = "cuda" if torch.cuda.is_available() else "cpu"
SHAPE, MEMBERS, SAMPLES = (1, 4, 4), 3, 96
WIDTHS = ("conv-b:6-5", "conv-b:9-8", "conv-b:3-11")
MLPS = ("mlp-a:9-7", "mlp-a:5-6", "mlp-a:8-3")
Kind = Callable[[list[nn.Module], DeviceData, Recipe], Engine]


def _recipe(batch: int, augment: str = "none", backbone_rate: float = 1.0) -> Recipe:
    return Recipe(
        optimizer="sgd", learning_rate=0.02, momentum=0.9, weight_decay=0.01, label_smoothing=0.1,
        batch_size=batch, max_epochs=4, schedule="constant", warmup=0, keep="last", augment=augment,
        backbone_rate=backbone_rate,
    )  # fmt: skip


def _networks(archs: tuple[str, ...] = WIDTHS) -> list[nn.Module]:
    made = enumerate(archs)
    return [build_network(arch, 3, SHAPE, seed).to(DEVICE) for seed, arch in made]


def _epochs(engine: Engine, recipe: Recipe, count: int = 3) -> list[list[float]]:
    generator, losses = torch.Generator().manual_seed(0), []
    for _ in range(count):
        drawn = [torch.randperm(SAMPLES, generator=generator) for _ in range(MEMBERS)]
        changes = [
            Augmenter(recipe.augment or "none", SHAPE).draw(SAMPLES, generator)
            for _ in range(MEMBERS)
        ]
        held = [change for change in changes if change is not None]
        drawn_changes = torch.stack(held).to(DEVICE) if held else None
        losses.append(
            engine.epoch(
                torch.stack(drawn).to(DEVICE),
                recipe.rates(1, -(-SAMPLES // (recipe.batch_size or 1))),
                drawn_changes,
            )
        )
    return losses


def _close(ours: Engine, others: Engine, atol: float) -> None:
    for row in range(MEMBERS):
        for key, value in others.weights(row).items():
            torch.testing.assert_close(ours.weights(row)[key], value, rtol=atol, atol=atol)


@pytest.mark.parametrize("augment", ["none", "shift", "photo", "trivial-cutmix", "mixup"])
@pytest.mark.parametrize("batch", [16, 40, 96])
def test_recorded_steps_learn_what_the_loop_learns(batch: int, augment: str) -> None:
    data, recipe = DeviceData.of(blobs(), DEVICE), _recipe(batch, augment)
    ours, loop = StreamsFloat32(_networks(), data, recipe), Loop(_networks(), data, recipe)
    for found, expected in zip(_epochs(ours, recipe), _epochs(loop, recipe), strict=True):
        assert found == pytest.approx(expected, rel=1e-4)
    _close(ours, loop, 1e-4)
    seen, expected_seen = ours.evaluate(), loop.evaluate()
    assert seen.losses == pytest.approx(expected_seen.losses, rel=1e-4)
    assert seen.accuracies == pytest.approx(expected_seen.accuracies)


def test_the_last_layer_has_a_rate_of_its_own_in_recorded_steps() -> None:
    data, recipe = DeviceData.of(blobs(), DEVICE), _recipe(40, backbone_rate=0.1)
    ours, loop = StreamsFloat32(_networks(), data, recipe), Loop(_networks(), data, recipe)
    alike = Loop(_networks(), data, _recipe(40))
    for found, expected in zip(_epochs(ours, recipe), _epochs(loop, recipe), strict=True):
        assert found == pytest.approx(expected, rel=1e-4)
    _close(ours, loop, 1e-4)
    _epochs(alike, _recipe(40))
    with pytest.raises(AssertionError):
        _close(alike, loop, 1e-4)


def test_widths_are_filled_up_inside_and_come_back_as_they_were() -> None:
    data, recipe = DeviceData.of(blobs(), DEVICE), _recipe(16)
    networks = _networks()
    ours, loop = Streams(networks, data, recipe), LoopBf16(_networks(), data, recipe)
    inside = [m.network.get_parameter("conv1.weight").shape[0] for m in ours.members]
    assert inside == [8, 16, 8]
    _epochs(ours, recipe)
    _epochs(loop, recipe)
    for row, network in enumerate(networks):
        assert {k: v.shape for k, v in ours.weights(row).items()} == {
            k: v.shape for k, v in network.state_dict().items()
        }
    _close(ours, loop, 0.05)


def test_an_epoch_may_be_held_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    data, recipe = DeviceData.of(blobs(), DEVICE), _recipe(16, "photo")
    whole = StreamsFloat32(_networks(), data, recipe)
    monkeypatch.setattr(recorded, "BLOCK_BYTES", 40 * 16 * 4)  # two batches of sixteen, and a half
    monkeypatch.setattr(recorded, "FETCHED", 7)
    parted = StreamsFloat32(_networks(), data, recipe)
    batches = [*parted.members[0].batches(SAMPLES)]
    assert [len(block) for block in parted.recorded[0].blocks(batches)] == [2, 2, 2]
    for found, expected in zip(_epochs(parted, recipe), _epochs(whole, recipe), strict=True):
        assert found == pytest.approx(expected, rel=1e-5)
    _close(parted, whole, 1e-5)


def test_recording_a_step_leaves_everything_as_it_was() -> None:
    data, recipe = DeviceData.of(blobs(), DEVICE), _recipe(16)
    (network,) = _networks(WIDTHS[:1])
    engine = StreamsFloat32([copy.deepcopy(network)], data, recipe)
    one = engine.recorded[0]
    one.begin()
    one.hold(torch.arange(32, device=DEVICE), None)
    one._ahead[16] = torch.tensor([16, 1], device=DEVICE)
    one._unmoved(lambda: one._step(16))()
    one.end()
    assert one._at.tolist() == [0, 0]
    for key, value in network.state_dict().items():
        assert torch.equal(engine.weights(0)[key], value)


def test_replayed_steps_of_a_stack_are_its_steps() -> None:
    data, recipe = DeviceData.of(blobs(), DEVICE), _recipe(40)
    ours, plain = Stacked(_networks(MLPS), data, recipe), Stacked(_networks(MLPS), data, recipe)
    ours.replays, plain.replays = True, False
    for found, expected in zip(_epochs(ours, recipe), _epochs(plain, recipe), strict=True):
        assert found == pytest.approx(expected, rel=1e-5)
    _close(ours, plain, 1e-5)
    orders = torch.stack([torch.arange(SAMPLES)] * 2).to(DEVICE)
    for engine in (ours, plain):
        engine.narrow([0, 2])
    assert ours.epoch(orders, [0.02] * 3) == pytest.approx(plain.epoch(orders, [0.02] * 3), 1e-5)


def test_narrow_rounds_and_short_ones_are_not_compiled(monkeypatch: pytest.MonkeyPatch) -> None:
    data, recipe = DeviceData.of(blobs(), DEVICE), _recipe(16)
    engine = Compiled(_networks(), data, recipe)
    assert all(one.program is None for one in engine.recorded)
    normed = build_network("resnet20:4-4-4", 3, (3, 32, 32), 0)
    many = compiled.PAYS_FROM
    assert Compiled.auto_rank(normed, "cuda", many) is None
    assert Compiled.auto_rank(_networks()[0], "cuda", many) == 5
    assert Compiled.auto_rank(_networks()[0], "cuda", many - 1) is None


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # the compiler's own, torch 2.11
def test_members_share_one_program_and_its_failure_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*tensors: Tensor) -> Tensor:
        raise RuntimeError("no compiler\nat all")

    monkeypatch.setattr(compiled, "WORTH_FROM", 0)
    monkeypatch.setattr(torch, "compile", lambda loss, dynamic: broken)
    data, recipe = DeviceData.of(blobs(), DEVICE), _recipe(16)
    with pytest.warns(UserWarning, match="steps that are not compiled: no compiler$"):
        engine = Compiled(_networks(), data, recipe)
    assert all(one.program is None for one in engine.recorded)
    monkeypatch.setattr(torch, "compile", lambda loss, dynamic: loss)
    ours, plain = Compiled(_networks(), data, recipe), LoopBf16(_networks(), data, recipe)
    assert len({id(one.program) for one in ours.recorded}) == 1
    for found, expected in zip(_epochs(ours, recipe), _epochs(plain, recipe), strict=True):
        assert found == pytest.approx(expected, rel=0.02)
    _close(ours, plain, 0.05)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # the compiler's own
def test_compiled_steps_learn_what_plain_ones_learn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiled, "WORTH_FROM", 0)
    data, recipe = DeviceData.of(blobs(), DEVICE), _recipe(40)
    ours, plain = Compiled(_networks(), data, recipe), Streams(_networks(), data, recipe)
    assert all(one.program is not None for one in ours.recorded)
    for found, expected in zip(_epochs(ours, recipe), _epochs(plain, recipe), strict=True):
        assert found == pytest.approx(expected, rel=0.02)
    _close(ours, plain, 0.05)
