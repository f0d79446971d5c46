"""What trials of reliability are made of: commands in forked children, and undisturbed runs."""

from __future__ import annotations

import contextlib
import functools
import os
import shutil
import signal
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pipelines.commands.cli import run as command

OPERATIONS = ("replace", "rename", "fsync", "unlink", "mkdir", "rmdir", "open", "link")
TRIED = 60
"""A trial that takes longer has hung."""

SHORT = ("--m", "4", "--s", "2", "--epochs", "3", "--batch-size", "16", "--rounds", "2",
         "--kappa", "0")  # fmt: skip
BUILDS: dict[str, Sequence[str]] = {
    "mlp": (*SHORT, "--arch", "mlp-a:8-6", "--jobs", "1"),
    "conv": (*SHORT, "--arch", "conv-b:3-4", "--jobs", "1"),
    "two architectures, two jobs": (
        *SHORT, "--arch", "mlp-a:8-6", "--arch", "conv-b:3-4", "--jobs", "2",
    ),
    "control": (*SHORT, "--arch", "mlp-a:8-6", "--jobs", "1", "--control"),
    "datafree": (
        "--m", "3", "--s", "2", "--epochs", "3", "--arch", "mlp-a:8-6", "--jobs", "1",
        "--pruner", "datafree",
    ),
    "own network": (*SHORT, "--arch", "own:make", "--jobs", "1"),
    "folder of images": (*SHORT, "--data", "photos", "--arch", "conv-b:3-4", "--jobs", "1"),
    "kept each epoch": (
        *SHORT, "--arch", "mlp-a:8-6", "--arch", "dropping:make", "--jobs", "1", "--rewind", "late",
        "--checkpoint-every", "0",
    ),
}  # fmt: skip
COMMANDS: dict[str, Sequence[str]] = {
    "compare": ("compare", "{run}"),
    "select": ("select", "{run}", "--s", "3", "--out", "{run}/../again"),
    "export": ("export", "{run}"),
    "export --cascade": ("export", "{run}", "--cascade", "--max-loss", "0.1"),
}
OWN = """
from torch import nn
def make(classes, shape):
    return nn.Sequential(nn.Flatten(), nn.Linear(16, 8), nn.ReLU(), nn.Linear(8, classes))
"""
DROPPING = """
from torch import nn
def make(classes, shape):
    return nn.Sequential(nn.Conv2d(shape[0], 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(),
                         nn.Flatten(), nn.Dropout(0.2), nn.Linear(64, classes))
"""
PASSING = ("build.log", "report.html", "comparison.md", "comparison.tex")
"""Files that hold times, or that only people read."""


def files(folder: Path) -> dict[str, bytes]:
    """Return a folder's files but those that may differ."""
    return {
        file.relative_to(folder).as_posix(): file.read_bytes()
        for file in sorted(folder.rglob("*"))
        if file.is_file() and file.name not in PASSING
    }


def start(words: Sequence[str], before: Callable[[], None] = lambda: None) -> int:
    """Run a command in a forked child, and return its process; its errors go to ``said``."""
    process = os.fork()
    if process:
        return process
    code = 70
    try:
        out = os.open("said", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(out, 1)
        os.dup2(out, 2)
        os.setsid()
        before()
        code = command(list(words))
        sys.stdout.flush()
    finally:
        os._exit(code)


def ended(process: int, seconds: float = TRIED) -> int | None:
    """Return the exit code of a child, None if it had to be killed."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found, status = os.waitpid(process, os.WNOHANG)
        if found:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.002)
    kill(process)
    return None


def kill(process: int) -> None:
    """Kill a child alone: its workers must end by themselves."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(process, signal.SIGKILL)
    os.waitpid(process, 0)


def dying(at: int, moment: str) -> Callable[[], None]:
    """Return what makes a process kill itself before or after its `at`-th file operation."""

    def prepare() -> None:
        left = [at]

        def wrapped(operation: Callable[..., Any]) -> Callable[..., Any]:
            @functools.wraps(operation)
            def call(*args: Any, **more: Any) -> Any:
                left[0] -= 1
                if left[0] == 0 and moment == "before":
                    os.kill(os.getpid(), signal.SIGKILL)
                found = operation(*args, **more)
                if left[0] == 0:
                    os.kill(os.getpid(), signal.SIGKILL)
                return found

            return call

        for name in OPERATIONS:
            setattr(os, name, wrapped(getattr(os, name)))

    return prepare


def write_photos(folder: Path, images: NDArray[np.uint8], labels: NDArray[np.int64]) -> None:
    """Write (N, H, W) images as PNG files in a folder for each class."""
    for number, (image, label) in enumerate(zip(images, labels, strict=True)):
        place = folder / f"class {label}"
        place.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(place / f"{number:03d}.png")


class Work:
    """A scratch folder with undisturbed runs to hold others against."""

    def __init__(self, folder: Path) -> None:
        os.chdir(folder)
        Path("own.py").write_text(OWN)
        Path("dropping.py").write_text(DROPPING)
        rng = np.random.default_rng(0)
        labels = np.arange(240) % 3
        centres = rng.integers(40, 216, (3, 4, 4))
        images = np.clip(centres[labels] + rng.normal(0, 60, (240, 4, 4)), 0, 255)
        np.savez("tiny.npz", X=images.astype(np.uint8), y=labels)
        write_photos(Path("photos"), images.astype(np.uint8), labels)
        self.seconds: dict[str, float] = {}
        self.counts: dict[str, int] = {}

    def words(self, kind: str, folder: Path) -> list[str]:
        """Return the command of a kind, for a run at `folder`."""
        if kind in BUILDS:
            given = BUILDS[kind]
            data = [] if "--data" in given else ["--data", "tiny.npz"]
            return ["build", *data, *given, "--out", str(folder)]
        return [word.format(run=folder) for word in COMMANDS[kind]]

    def ready(self, kind: str, folder: Path) -> None:
        """Make what a command needs at `folder`: nothing for a build."""
        shutil.rmtree(folder.parent, ignore_errors=True)
        folder.parent.mkdir(parents=True)
        if kind in COMMANDS:
            shutil.copytree(self.whole("mlp") / "run", folder)

    def whole(self, kind: str, seed: int = 0) -> Path:
        """Return the folder in which a kind was run undisturbed; the run is ``run`` in it."""
        folder = Path("whole") / f"{kind.replace(' ', '-')}-{seed}"
        if not folder.exists():
            self.ready(kind, folder / "run")
            began = time.monotonic()
            code = ended(
                start([*self.words(kind, folder / "run"), *(["--seed", str(seed)] * bool(seed))])
            )
            if code != 0:
                raise RuntimeError(f"{kind}: {code}: {Path('said').read_text()}")
            self.seconds[kind] = time.monotonic() - began
        return folder
