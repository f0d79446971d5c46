"""A run is compared, chosen from and exported from any folder, its data named as it was built."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pipeline_support import TINY_OPTIONS, fails, write_images

from pipelines.commands.cli import run


@pytest.fixture
def built(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A run in ``work/runs/one`` of data that lie beside ``runs``, named from ``work``."""
    work = tmp_path / "work"
    work.mkdir()
    write_images(work / "beside-the-runs.npz")
    monkeypatch.chdir(work)
    assert run(["build", "--data", "beside-the-runs.npz", *TINY_OPTIONS, "--out", "runs/one"]) == 0
    return work


def test_from_another_folder(built: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(["compare", "work/runs/one"]) == 0
    assert run(["select", "work/runs/one", "--s", "1", "--out", "again"]) == 0
    monkeypatch.chdir(built / "runs" / "one")
    assert run(["compare", "."]) == 0


def test_data_of_the_same_name_here_are_looked_at_first_and_must_be_the_same(
    built: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    write_images(tmp_path / "beside-the-runs.npz", seed=1)
    assert "built from other data than 'beside-the-runs.npz'" in fails(
        capsys, "compare", "work/runs/one"
    )


def test_data_that_are_gone_are_said_to_be(
    built: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (built / "beside-the-runs.npz").rename(built / "moved.npz")
    told = fails(capsys, "compare", "work/runs/one")
    assert "was built from 'beside-the-runs.npz', which is not there" in told
    assert "bring the data back" in told


def test_a_folder_of_images_and_its_groups(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rng, work = np.random.default_rng(0), tmp_path / "work"
    for label in range(2):
        (work / "photos" / str(label)).mkdir(parents=True)
        for number in range(30):
            pixels = (rng.integers(0, 100, (6, 6)) + 100 * label).astype(np.uint8)
            Image.fromarray(pixels).save(work / "photos" / str(label) / f"{number}.png")
    lines = [f"{label}/{n}.png,{n // 3}-{label}" for label in range(2) for n in range(30)]
    (work / "groups.csv").write_text("\n".join(lines))
    monkeypatch.chdir(work)
    asked = ["build", "--data", "photos", "--groups", "groups.csv", *TINY_OPTIONS]
    assert run([*asked, "--out", "run"]) == 0
    monkeypatch.chdir(tmp_path)
    assert run(["compare", "work/run"]) == 0
    shutil.rmtree(work / "photos" / "1")
    assert run(["compare", "work/run"]) == 2
