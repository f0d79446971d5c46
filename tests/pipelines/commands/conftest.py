"""A small run that commands are tried on."""

from __future__ import annotations

from pathlib import Path

import pytest
from pipeline_support import TINY_OPTIONS, write_images

from pipelines.commands.cli import run


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_images(tmp_path_factory.mktemp("data") / "tiny.npz")


@pytest.fixture(scope="module")
def built(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("cli") / "run"
    assert run(["build", *TINY_OPTIONS, "--data", str(data), "--out", str(out)]) == 0
    return out
