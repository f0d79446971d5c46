"""A tiny data set and build that the tests of the pipeline share."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from pipelines.build.built import Built
from pipelines.commands.cli import run
from pipelines.run.config import BuildConfig, DataConfig, SelectionConfig
from pipelines.run.directory import RunDirectory
from pruning.dropnet import DropNet
from pruning.training.recipe import Recipe

TINY_OPTIONS = (
    "--m", "4", "--s", "2", "--arch", "mlp-a:8-6", "--epochs", "3", "--batch-size", "16",
    "--rounds", "2", "--kappa", "0", "--jobs", "1",
)  # fmt: skip


def write_images(path: Path, seed: int = 0, classes: int = 3, count: int = 240) -> Path:
    """Write an ``.npz`` of 4×4 images whose class is where they are bright."""
    rng = np.random.default_rng(seed)
    labels = np.arange(count) % classes
    centres = rng.integers(40, 216, (classes, 4, 4))
    images = np.clip(centres[labels] + rng.normal(0, 60, (count, 4, 4)), 0, 255)
    np.savez(path, X=images.astype(np.uint8), y=labels)
    return path


def directory(built: Built) -> RunDirectory:
    """Return the directory of a build that was written."""
    assert built.path is not None
    return RunDirectory(built.path)


def tiny_config(data: Path, **changes: object) -> BuildConfig:
    """Return the configuration that `TINY_OPTIONS` asks for."""
    recipe = Recipe(max_epochs=3, batch_size=16)
    values: dict[str, object] = {
        "m": 4,
        "archs": ("mlp-a:8-6",),
        "data": DataConfig(str(data)),
        "dropnet": DropNet(rounds=2, kappa=0.0, recipe=recipe),
        "selection": SelectionConfig(size=2),
    }
    return BuildConfig(**(values | changes))  # type: ignore[arg-type]


def fails(capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 2) -> str:
    """Run a command that must fail with one line on standard error, and return the line."""
    capsys.readouterr()
    assert run(arguments) == code
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1, err
    assert "Traceback" not in err
    assert err.startswith("ensemble: ")
    return err
