"""A state between two epochs that is damaged, or of anything else, is not used."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from pipeline_support import tiny_config, write_images
from run_contents import run_files
from stopped_builds import EACH_EPOCH, stopping_at, tiny_dropnet

from pipelines.build.story import build
from pipelines.run.config import BuildConfig
from pipelines.run.directory import RunDirectory
from pipelines.run.store import TrainingOf
from pipelines.run.training_files import state_from_bytes, state_to_bytes
from pruning.dropnet.settings import Rewinding
from pruning.training.checkpoint import TrainingState
from pruning.training.trained import Epoch, Trained


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> tuple[BuildConfig, Path]:
    """Return a run that was stopped in the third epoch of round 1, and its configuration.

    Beside it is one that was not.
    """
    folder = tmp_path_factory.mktemp("stopped")
    dropnet = tiny_dropnet(Rewinding("late"))
    config = tiny_config(write_images(folder / "tiny.npz"), dropnet=dropnet, m=2)
    build(config, out=folder / "whole")
    with pytest.MonkeyPatch.context() as patched:
        stopping_at(patched, 7)
        with pytest.raises(KeyboardInterrupt):
            build(config, out=folder / "run", placement=EACH_EPOCH)
    return config, folder / "run"


@pytest.fixture
def stopped(template: tuple[BuildConfig, Path], tmp_path: Path) -> tuple[BuildConfig, Path]:
    """Return a copy of it."""
    config, run = template
    shutil.copytree(run.parent, tmp_path / "copy")
    return config, tmp_path / "copy" / "run"


def _state_file(run: Path) -> Path:
    return run / "members" / "000" / "training-1.safetensors"


def _flipped(file: Path, data: bytes) -> None:
    at = len(data) // 2
    file.write_bytes(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :])


def _of_other_versions(file: Path, data: bytes) -> None:
    found = _read(file)
    bound = dict(_bound(file), versions={"torch": "1.0"})
    file.write_bytes(state_to_bytes(found, bound))


def _of_another_run(file: Path, data: bytes) -> None:
    bound = dict(_bound(file), config_checksum="0" * 64)
    file.write_bytes(state_to_bytes(_read(file), bound))


def _of_other_shapes(file: Path, data: bytes) -> None:
    """Another layout under a seal that is right, as another version could write it."""
    found = _read(file)
    shorter = [tensor[:-1] if tensor.ndim else tensor for tensor in found.engine]
    state = TrainingState(found.epoch, found.rows, found.results, found.orders, shorter)
    file.write_bytes(state_to_bytes(state, _bound(file)))


def _of_too_late(file: Path, data: bytes) -> None:
    found = _read(file)
    state = TrainingState(9999, found.rows, found.results, found.orders, found.engine)
    file.write_bytes(state_to_bytes(state, _bound(file)))


def _as_a_pipe(file: Path, data: bytes) -> None:
    file.unlink()
    os.mkfifo(file)


def _as_a_link(file: Path, data: bytes) -> None:
    file.rename(file.with_name("elsewhere"))
    file.symlink_to("elsewhere")


DAMAGES: dict[str, Callable[[Path, bytes], object]] = {
    "a bit": _flipped,
    "cut": lambda file, data: file.write_bytes(data[:-1]),
    "empty": lambda file, _: file.write_bytes(b""),
    "appended to": lambda file, data: file.write_bytes(data + b"\0"),
    "no file of tensors": lambda file, _: file.write_bytes(b"{}"),
    "another run's": _of_another_run,
    "other versions'": _of_other_versions,
    "other shapes": _of_other_shapes,
    "an epoch that there is not": _of_too_late,
    "a pipe": _as_a_pipe,
    "a link": _as_a_link,
    "another round's": lambda file, _: file.write_bytes(
        file.with_name("training-late.safetensors").read_bytes()
    ),
}


def _bound(file: Path) -> dict[str, Any]:
    import json

    from safetensors.torch import load

    own = json.loads(load(file.read_bytes())["about"].numpy().tobytes())
    names = ("format", "config_checksum", "runs", "training", "start", "versions")
    return {name: own[name] for name in names}


def _read(file: Path) -> TrainingState:
    found = state_from_bytes(file.read_bytes(), _bound(file))
    assert found
    return found


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_state_that_is_damaged_or_of_anything_else_is_not_used(
    damage: str, stopped: tuple[BuildConfig, Path], epochs: Callable[[int | None], list[int]]
) -> None:
    config, out = stopped
    file = _state_file(out)
    DAMAGES[damage](file, file.read_bytes())
    left = set(out.rglob("*elsewhere"))
    seen = epochs(None)
    build(config, out=out)
    assert len(seen) == 4, "all that round 1 trains; the late epoch had been kept"
    assert not list(out.rglob("training-*"))
    for name in left:
        name.unlink()
    assert run_files(out) == run_files(out.with_name("whole"))


def test_a_state_that_is_whole_is_used(
    stopped: tuple[BuildConfig, Path], epochs: Callable[[int | None], list[int]]
) -> None:
    config, out = stopped
    seen = epochs(None)
    build(config, out=out)
    assert len(seen) == 2
    assert run_files(out) == run_files(out.with_name("whole"))


def test_a_state_of_rounds_that_were_trained_anew_is_not_used(
    stopped: tuple[BuildConfig, Path],
) -> None:
    _, out = stopped
    store = RunDirectory(out)
    bound = _bound(_state_file(out))
    own = TrainingOf((0, 1), "1", bound["start"])
    assert store.training(own) is not None
    assert set(own.start) == {"00-r0", "01-r0"}
    other = dict(own.start, **{"00-r0": "0" * 64})
    assert store.training(TrainingOf((0, 1), "1", other)) is None
    assert store.training(TrainingOf((0,), "1", own.start)) is None


def test_a_state_comes_back_as_it_was() -> None:
    nan = float("nan")
    epochs = [Epoch(nan, 0.5, 0.25), Epoch(0.1 + 0.2, 1e-300, 1.0)]
    one = Trained(
        epochs, {"a/b.weight": torch.ones(2, 3)}, epochs[1], {"a/b.weight": torch.zeros(2, 3)}
    )
    state = TrainingState(
        2, (0,), [one, Trained()], [torch.arange(5, dtype=torch.uint8)] * 2,
        [torch.ones(()), torch.tensor([True]), torch.ones(3, dtype=torch.bfloat16), torch.ones(0)],
    )  # fmt: skip
    bound = {"format": "x"}
    found = state_from_bytes(state_to_bytes(state, bound), bound)
    assert found is not None
    assert (found.epoch, found.rows) == (2, (0,))
    assert repr(found.results[0].epochs) == repr(epochs)
    assert found.results[0].kept == epochs[1]
    assert found.results[1].kept is None
    assert found.results[1].weights == {}
    for held, wanted in (
        (found.engine, state.engine),
        (found.orders, state.orders),
        (found.results[0].weights.values(), one.weights.values()),
        (found.results[0].late_weights.values(), one.late_weights.values()),
    ):
        for a, b in zip(held, wanted, strict=True):
            assert a.dtype == b.dtype
            assert a.shape == b.shape
            assert torch.equal(a, b)
    assert state_from_bytes(state_to_bytes(state, bound), {"format": "y"}) is None
    with pytest.raises(ValueError, match="allowed are some of 1"):
        TrainingState(1, (1,), [Trained()])
