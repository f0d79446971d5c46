"""A build that is stopped between two epochs goes on there, to the bytes of one that was not."""

from __future__ import annotations

import itertools
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from pipeline_support import TINY_OPTIONS, tiny_config, write_images
from torch import nn

from pipelines.build.checkpoints import LEAST_BETWEEN, GroupCheckpoints
from pipelines.build.round_times import RoundClock
from pipelines.build.story import build
from pipelines.commands.cli import run as command
from pipelines.run.config import BuildConfig
from pipelines.run.directory import RunDirectory
from pipelines.run.plan import Group
from pipelines.run.resources import Placement
from pipelines.run.store import TrainingOf
from pipelines.run.training_files import state_from_bytes, state_to_bytes
from pruning.dropnet import DropNet, Runs, Teaching
from pruning.dropnet.settings import Rewinding
from pruning.training.checkpoint import TrainingState
from pruning.training.recipe import Recipe
from pruning.training.trained import Epoch, Trained

EACH_EPOCH = Placement(jobs=1, checkpoint_every=0)


def noisy(classes: int, shape: Sequence[int]) -> nn.Module:
    """Return a network with dropout, and a batch norm's running means."""
    return nn.Sequential(
        nn.Conv2d(shape[0], 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(),
        nn.Dropout(0.3), nn.Linear(4 * shape[1] * shape[2], classes),
    )  # fmt: skip


def _dropnet(rewinding: Rewinding | None = None, rounds: int = 1, **recipe: Any) -> DropNet:
    given: dict[str, Any] = {"max_epochs": 4, "batch_size": 16} | recipe
    return DropNet(
        rounds=rounds, kappa=0.0, rewinding=rewinding or Rewinding(), recipe=Recipe(**given)
    )


KINDS: dict[str, dict[str, Any]] = {
    "mlp, members that end early": {
        "dropnet": _dropnet(
            Rewinding("late"), max_epochs=12, patience=1, schedule="constant", learning_rate=0.05
        ),
        "m": 3,
    },
    "conv-c4, images' recipe": {
        "archs": ("conv-c4:3-4-4-4-6",),
        "dropnet": _dropnet(augment="shift-flip", keep="best"),
        "m": 2,
    },
    "dropout": {
        "archs": (f"{__name__}:noisy",),
        "dropnet": _dropnet(optimizer="sgd", momentum=0.9),
        "m": 2,
    },
    "late": {"dropnet": _dropnet(Rewinding("late", late_epochs=3), rounds=2), "m": 2},
    "from the start": {"dropnet": _dropnet(Rewinding("initial"), rounds=2), "m": 2},
    "taught by all": {
        "dropnet": DropNet(
            rounds=1,
            kappa=0.0,
            teaching=Teaching(teacher="ensemble"),
            recipe=Recipe(max_epochs=4, batch_size=16, augment="shift-mixup"),
        ),
        "m": 2,
        "archs": (f"{__name__}:noisy",),
    },
    "trained on": {"dropnet": _dropnet(Rewinding("trained"), optimizer="adam"), "m": 2},
}


def _files(folder: Path) -> dict[str, bytes]:
    return {
        file.relative_to(folder).as_posix(): file.read_bytes()
        for file in sorted(folder.rglob("*"))
        if file.is_file() and file.name != "build.log"
    }


def _stopping(monkeypatch: pytest.MonkeyPatch, at: int | None) -> list[int]:
    """Stop builds at the end of their n-th epoch; return a list that gets one for each."""
    trained = RoundClock.epoch
    seen: list[int] = []

    def epoch(self: RoundClock, runs: Sequence[int]) -> int:
        seen.append(len(runs))
        if len(seen) == at:
            raise KeyboardInterrupt
        return trained(self, runs)

    monkeypatch.setattr(RoundClock, "epoch", epoch)
    return seen


@pytest.fixture
def epochs(monkeypatch: pytest.MonkeyPatch) -> Callable[[int | None], list[int]]:
    """Return what lets a build be stopped at the end of its n-th epoch, and counts epochs."""

    def stopping(at: int | None) -> list[int]:
        monkeypatch.undo()
        return _stopping(monkeypatch, at)

    return stopping


@pytest.fixture
def config(tmp_path: Path, request: pytest.FixtureRequest) -> BuildConfig:
    data = tmp_path / "images.npz"
    rng = np.random.default_rng(0)
    labels = np.arange(180) % 3
    images = rng.integers(0, 128, (180, 16, 16)) + 48 * labels[:, None, None]
    np.savez(data, X=images.astype(np.uint8), y=labels)
    return tiny_config(data, **KINDS[request.param])


QUICK = ("mlp, members that end early", "taught by all")


@pytest.mark.parametrize(
    "config",
    [pytest.param(kind, marks=() if kind in QUICK else pytest.mark.slow) for kind in KINDS],
    indirect=True,
)
def test_a_build_stopped_over_and_over_loses_an_epoch_each_time_and_gives_the_same_bytes(
    config: BuildConfig, tmp_path: Path, epochs: Callable[[int | None], list[int]]
) -> None:
    undisturbed = epochs(None)
    build(config, out=tmp_path / "whole", placement=EACH_EPOCH)
    wanted = _files(tmp_path / "whole")
    assert not [name for name in wanted if "training" in name]
    out, trained, stops = tmp_path / "run", 0, 0
    while stops <= len(undisturbed):
        seen = epochs(2)
        try:
            build(config, out=out, placement=EACH_EPOCH)
        except KeyboardInterrupt:
            stops, trained = stops + 1, trained + len(seen)
            continue
        trained += len(seen)
        break
    assert stops > 4
    assert trained == len(undisturbed) + stops, "of each stop, the epoch that had not been kept"
    assert _files(out) == wanted


@pytest.mark.slow
def test_two_jobs_give_the_same_bytes_after_stops(tmp_path: Path) -> None:
    """A worker kills itself in an epoch before which a state was kept, while a file says so."""
    (tmp_path / "nets.py").write_text(_DYING, encoding="utf-8")
    write_images(tmp_path / "tiny.npz")
    words = [
        "build", "--data", "tiny.npz", *TINY_OPTIONS[:-1], "2", "--arch", "nets:make",
        "--arch", "nets:other", "--checkpoint-every", "0",
    ]  # fmt: skip
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}

    def run(out: str) -> int:
        line = [sys.executable, "-m", "pipelines.commands.cli", *words, "--out", out]
        return subprocess.run(
            line, cwd=tmp_path, env=environment, capture_output=True, check=False
        ).returncode

    assert run("whole") == 0
    (tmp_path / "die").touch()
    assert run("run") == 1
    assert list((tmp_path / "run" / "members").glob("*/training-*.safetensors"))
    (tmp_path / "die").unlink()
    assert run("run") == 0
    assert _files(tmp_path / "run") == _files(tmp_path / "whole")


_DYING = """
import os, signal
from multiprocessing import current_process
from pathlib import Path
from torch import nn

class Dying(nn.Flatten):
    def forward(self, x):
        if self.training and "Loky" in current_process().name and Path("die").exists():
            if any(Path("run").glob("members/*/training-*.safetensors")):
                os.kill(os.getpid(), signal.SIGKILL)
        return super().forward(x)

def make(classes, shape):
    return nn.Sequential(Dying(), nn.Linear(16, 8), nn.ReLU(), nn.Dropout(0.2),
                         nn.Linear(8, classes))

def other(classes, shape):
    return nn.Sequential(Dying(), nn.Linear(16, 6), nn.ReLU(), nn.Linear(6, classes))
"""


def test_a_kill_in_mid_round_gives_the_same_bytes(tmp_path: Path) -> None:
    data = write_images(tmp_path / "tiny.npz")
    words = ["build", "--data", str(data), *TINY_OPTIONS, "--epochs", "80", "--rounds", "1",
             "--checkpoint-every", "0"]  # fmt: skip
    assert command([*words, "--out", str(tmp_path / "whole")]) == 0
    out = tmp_path / "run"
    process = subprocess.Popen(
        [sys.executable, "-m", "pipelines.commands.cli", *words, "--out", str(out)],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    end = time.monotonic() + 60
    while not list(out.glob("members/*/training-*")) and time.monotonic() < end:
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert list(out.glob("members/*/training-*")), "killed in a round that had been kept in part"
    assert command([*words, "--out", str(out)]) == 0
    assert _files(out) == _files(tmp_path / "whole")
    assert '"what": "went on"' in (out / "build.log").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> tuple[BuildConfig, Path]:
    """Return a run that was stopped in the third epoch of round 1, and its configuration.

    Beside it is one that was not.
    """
    folder = tmp_path_factory.mktemp("stopped")
    dropnet = _dropnet(Rewinding("late"))
    config = tiny_config(write_images(folder / "tiny.npz"), dropnet=dropnet, m=2)
    build(config, out=folder / "whole")
    with pytest.MonkeyPatch.context() as patched:
        _stopping(patched, 7)
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
    assert _files(out) == _files(out.with_name("whole"))


def test_a_state_that_is_whole_is_used(
    stopped: tuple[BuildConfig, Path], epochs: Callable[[int | None], list[int]]
) -> None:
    config, out = stopped
    seen = epochs(None)
    build(config, out=out)
    assert len(seen) == 2
    assert _files(out) == _files(out.with_name("whole"))


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


def test_a_short_round_writes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept: list[object] = []
    monkeypatch.setattr(RunDirectory, "keep_training", lambda self, *given: kept.append(given))
    build(tiny_config(write_images(tmp_path / "tiny.npz")), out=tmp_path / "run")
    assert not kept


class Counting(nn.Flatten):
    """A layer whose passes change what it holds beside tensors."""

    passes = 0

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Count."""
        self.passes += self.training
        return super().forward(x) / (1 + 0.001 * self.passes * self.training)


def counting(classes: int, shape: Sequence[int]) -> nn.Module:
    """Return a network that counts its passes."""
    return nn.Sequential(Counting(), nn.Linear(16, 6), nn.ReLU(), nn.Linear(6, classes))


def test_a_network_that_counts_its_passes_loses_its_round_and_not_its_bytes(
    tmp_path: Path, epochs: Callable[[int | None], list[int]]
) -> None:
    data = write_images(tmp_path / "tiny.npz")
    config = tiny_config(data, archs=(f"{__name__}:counting",), dropnet=_dropnet(), m=2)
    build(config, out=tmp_path / "whole")
    epochs(3)
    with pytest.raises(KeyboardInterrupt):
        build(config, out=tmp_path / "run", placement=EACH_EPOCH)
    assert not list((tmp_path / "run").rglob("training-*"))
    epochs(None)
    build(config, out=tmp_path / "run", placement=EACH_EPOCH)
    assert _files(tmp_path / "run") == _files(tmp_path / "whole")


class _Slow:
    """A store that takes so long for a state, or has no room for it."""

    def __init__(self, clock: list[float], seconds: float, *, full: bool = False) -> None:
        self.clock, self.seconds, self.full = clock, seconds, full
        self.kept: list[float] = []
        self.noted: list[str] = []

    def keep_training(self, of: TrainingOf, state: TrainingState) -> None:
        if self.full:
            raise OSError(28, "No space left on device")
        self.kept.append(self.clock[0])
        self.clock[0] += self.seconds

    def note(self, what: str, content: object) -> None:
        self.noted.append(what)


def _offered(
    monkeypatch: pytest.MonkeyPatch, epoch: float, every: float, takes: float, **more: bool
) -> _Slow:
    clock = [0.0]
    monkeypatch.setattr("pipelines.build.checkpoints.time.monotonic", lambda: clock[0])
    store = _Slow(clock, takes, **more)
    group = Group(Runs("mlp-a", (0,), (0,)), "stacked")
    checkpoints = GroupCheckpoints(store, group, {}, 0, every)  # type: ignore[arg-type]
    for _ in range(100):
        clock[0] += epoch
        checkpoints.offer("0", lambda: TrainingState(1, (0,), [Trained()]))
    return store


def test_a_state_is_kept_every_so_many_seconds_and_a_twentieth_of_the_time_at_most(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert _offered(monkeypatch, 1, 30, 0).kept == [30, 60, 90]
    assert len(_offered(monkeypatch, 1, 0, 1).kept) == 100
    kept = _offered(monkeypatch, 1, 10, 2).kept
    assert kept[0] == 10
    assert [b - a for a, b in itertools.pairwise(kept)] == [
        LEAST_BETWEEN * 2 + 2,
        LEAST_BETWEEN * 2 + 2,
    ]


def test_a_round_goes_on_where_there_is_no_room_for_its_state(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert _offered(monkeypatch, 1, 0, 0, full=True).noted == ["not kept"]


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
