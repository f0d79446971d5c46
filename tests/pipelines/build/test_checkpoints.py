"""A build that is stopped between two epochs goes on there, to the bytes of one that was not."""

from __future__ import annotations

import os
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
from run_contents import run_files
from stopped_builds import EACH_EPOCH, tiny_dropnet
from torch import nn

from pipelines.build.checkpoints import GroupCheckpoints
from pipelines.build.story import build
from pipelines.commands.cli import run as command
from pipelines.run.config import BuildConfig
from pruning.dropnet import DropNet, Teaching
from pruning.dropnet.settings import Rewinding
from pruning.training.recipe import Recipe


def noisy(classes: int, shape: Sequence[int]) -> nn.Module:
    """Return a network with dropout, and a batch norm's running means."""
    return nn.Sequential(
        nn.Conv2d(shape[0], 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(),
        nn.Dropout(0.3), nn.Linear(4 * shape[1] * shape[2], classes),
    )  # fmt: skip


KINDS: dict[str, dict[str, Any]] = {
    "mlp, members that end early": {
        "dropnet": tiny_dropnet(
            Rewinding("late"), max_epochs=12, patience=1, schedule="constant", learning_rate=0.05
        ),
        "m": 3,
    },
    "conv-c4, images' recipe": {
        "archs": ("conv-c4:3-4-4-4-6",),
        "dropnet": tiny_dropnet(augment="shift-flip", keep="best"),
        "m": 2,
    },
    "dropout": {
        "archs": (f"{__name__}:noisy",),
        "dropnet": tiny_dropnet(optimizer="sgd", momentum=0.9),
        "m": 2,
    },
    "late": {"dropnet": tiny_dropnet(Rewinding("late", late_epochs=3), rounds=2), "m": 2},
    "from the start": {"dropnet": tiny_dropnet(Rewinding("initial"), rounds=2), "m": 2},
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
    "taught on moved samples": {
        "dropnet": DropNet(
            rounds=1,
            kappa=0.0,
            teaching=Teaching(teacher="ensemble", perturb=0.1),
            recipe=Recipe(max_epochs=4, batch_size=16, augment="shift-mixup"),
        ),
        "m": 2,
        "archs": (f"{__name__}:noisy",),
    },
    "trained on": {"dropnet": tiny_dropnet(Rewinding("trained"), optimizer="adam"), "m": 2},
}


@pytest.fixture
def config(tmp_path: Path, request: pytest.FixtureRequest) -> BuildConfig:
    data = tmp_path / "images.npz"
    rng = np.random.default_rng(0)
    labels = np.arange(180) % 3
    images = rng.integers(0, 128, (180, 16, 16)) + 48 * labels[:, None, None]
    np.savez(data, X=images.astype(np.uint8), y=labels)
    return tiny_config(data, **KINDS[request.param])


QUICK = ("mlp, members that end early", "taught by all", "taught on moved samples")


@pytest.mark.parametrize(
    "config",
    [pytest.param(kind, marks=() if kind in QUICK else pytest.mark.slow) for kind in KINDS],
    indirect=True,
)
def test_a_build_stopped_over_and_over_loses_an_epoch_each_time_and_gives_the_same_bytes(
    config: BuildConfig, tmp_path: Path, epochs: Callable[[int | None], list[int]]
) -> None:
    undisturbed, controls = epochs(None), {"control": True, "small_team": True}
    build(config, out=tmp_path / "whole", placement=EACH_EPOCH, **controls)
    wanted = run_files(tmp_path / "whole")
    assert not [name for name in wanted if "training" in name]
    out, trained, stops = tmp_path / "run", 0, 0
    while stops <= len(undisturbed):
        seen = epochs(2)
        try:
            build(config, out=out, placement=EACH_EPOCH, **controls)
        except KeyboardInterrupt:
            stops, trained = stops + 1, trained + len(seen)
            continue
        trained += len(seen)
        break
    assert stops > 4
    assert trained == len(undisturbed) + stops, "of each stop, the epoch that had not been kept"
    assert run_files(out) == wanted


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
    assert (tmp_path / "died").exists(), "while a state was there; another's may have gone since"
    (tmp_path / "die").unlink()
    assert run("run") == 0
    assert run_files(tmp_path / "run") == run_files(tmp_path / "whole")


_DYING = """
import os, signal
from multiprocessing import current_process
from pathlib import Path
from torch import nn

class Dying(nn.Flatten):
    def forward(self, x):
        if self.training and "Loky" in current_process().name and Path("die").exists():
            if any(Path("run").glob("members/*/training-*.safetensors")):
                Path("died").touch()
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
    assert run_files(out) == run_files(tmp_path / "whole")
    assert '"what": "went on"' in (out / "build.log").read_text(encoding="utf-8")


def test_a_stop_right_after_a_control_is_kept_leaves_no_state_for_good(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Stopped(GroupCheckpoints):
        def ended(self) -> None:
            raise KeyboardInterrupt

    config = tiny_config(write_images(tmp_path / "tiny.npz"), m=2)
    out = tmp_path / "run"
    build(config, out=out, placement=EACH_EPOCH)
    with monkeypatch.context() as patched:
        patched.setattr("pipelines.build.controls.GroupCheckpoints", Stopped)
        with pytest.raises(KeyboardInterrupt):
            build(config, out=out, placement=EACH_EPOCH, control=True)
    assert list(out.rglob("training-*"))
    build(config, out=out, placement=EACH_EPOCH, control=True)
    assert not list(out.rglob("training-*"))


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
    config = tiny_config(data, archs=(f"{__name__}:counting",), dropnet=tiny_dropnet(), m=2)
    build(config, out=tmp_path / "whole")
    epochs(3)
    with pytest.raises(KeyboardInterrupt):
        build(config, out=tmp_path / "run", placement=EACH_EPOCH)
    assert not list((tmp_path / "run").rglob("training-*"))
    epochs(None)
    build(config, out=tmp_path / "run", placement=EACH_EPOCH)
    assert run_files(tmp_path / "run") == run_files(tmp_path / "whole")
