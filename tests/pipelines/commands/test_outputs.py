"""Standard output that is full, closed or read no further: a line at most, never a traceback."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import hostile
import numpy as np
import pytest

from pipelines.commands.cli import run

COMMAND = [sys.executable, "-c", "from pipelines.commands.cli import main; main()"]


@pytest.mark.parametrize("kind", ["head", "full", "closed", "ascii"])
def test_predictions_written_to_nowhere(tmp_path: Path, kind: str) -> None:
    x = tmp_path / "x.npy"
    np.save(x, np.zeros((600, *hostile.SAMPLE), np.uint8))
    path = {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    ascii_only = {"PYTHONIOENCODING": "ascii"} if kind == "ascii" else {}
    words = [*COMMAND, "predict", str(hostile.KEPT / "team.onnx"), str(x)]
    after = {"head": "| head -1", "full": "> /dev/full", "closed": ">&-", "ascii": "> /dev/null"}
    done = subprocess.run(
        ["bash", "-c", f'set -o pipefail; "$@" {after[kind]}', "_", *words],
        text=True, capture_output=True, env={**os.environ, **path, **ascii_only}, check=False,
    )  # fmt: skip
    assert "Traceback" not in done.stderr and "Exception ignored" not in done.stderr
    assert done.stderr.count("\n") == (kind == "full"), done.stderr
    assert done.returncode == (1 if kind == "full" else 0), done.stderr


@pytest.mark.parametrize(
    "words",
    [
        ["show", ""], ["predict", "", ""], ["compare", ""], ["select", "", "--s", "2"],
        ["verify", ""], ["serve", ""], ["serve", "x", "--host", ""], ["export", ""],
        ["check", ""], ["log", "x", "--tensorboard", ""], ["predict", "x", "y", "--arch", ""],
        ["check", "mlp-a", "--input", "3x8x8", "--classes", "0"],
        ["show", "x" * 300], ["predict", str(hostile.KEPT / "team"), "x" * 300],
        ["predict", str(hostile.KEPT / "team"), "x.npy", "--device", "meta"],
    ],
)  # fmt: skip
def test_what_means_nothing_is_a_line_and_exit_2(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(words) == 2
    line = capsys.readouterr().err
    assert line.startswith("ensemble: ") and line.count("\n") == 1


@pytest.mark.parametrize("command", ["build", "log"])
@pytest.mark.parametrize("place", ["x" * 300, "/dev/null/logs"])
def test_a_place_for_logs_is_tried_before_any_work(
    command: str, place: str, built: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["log", built] if command == "log" else ["build", "--out", tmp_path / "r"]
    assert run([*map(str, words), "--tensorboard", place]) == 2
    line = capsys.readouterr().err
    assert "--tensorboard" in line and "cannot be written to" in line and line.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["show", "a/" * 3000], "letters left out"),
        (["verify", "x", "--expect", "x" * 5000], "hexadecimal digits"),
        (["serve", "x", "--port", "many"], "is not a valid integer; see `ensemble serve --help`"),
        (["predict", "x"], "see `ensemble predict --help`"),
        (["show", "x", "-q"], "see `ensemble show --help`"),
        (["build", "--dry-run=3"], "does not take a value; see `ensemble build --help`"),
    ],
)  # fmt: skip
def test_a_line_stays_short_and_says_the_way_out(
    words: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(words) == 2
    line = capsys.readouterr().err
    assert says in line and line.count("\n") == 1 and len(line) < 700


@pytest.mark.parametrize(
    "words",
    [["--device", "os:"], ["--device", "cuda:99"], ["--data-dir", ""], ["--out", "/dev/null/x"]],
)
def test_a_claim_is_not_begun_with_a_bad_word(
    words: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    assert run(["reproduce", "fractions", "--budget", "quick", *words]) == 2
    line = capsys.readouterr().err
    assert words[0] in line and line.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_a_comparison_tries_its_folder_first(
    built: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = sorted(built.rglob("*"))
    assert run(["compare", str(built), "--out", "a/" * 3000]) == 2
    line = capsys.readouterr().err
    assert "--out" in line and line.count("\n") == 1 and sorted(built.rglob("*")) == before
