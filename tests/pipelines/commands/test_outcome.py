"""Terminals and machines as they are: poor encodings, closed streams, full disks."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from pipeline_support import fails

from ensemble.model import Ensemble
from pipelines.build import placement
from pipelines.commands.cli import run
from pipelines.commands.outcome import last_line
from pruning.core.errors import MachineError
from pruning.networks.architecture import NETWORKS


@pytest.fixture
def team(tmp_path: Path) -> Path:
    """A saved team whose classes no western encoding has, and a picture likewise named."""
    networks = [NETWORKS["mlp-a"](2, (1, 4, 4), (4, 4)) for _ in range(2)]
    made = Ensemble(networks, ["鳥", "süß"], (1, 4, 4))
    (tmp_path / "photos").mkdir()
    Image.fromarray(np.zeros((4, 4), np.uint8)).save(tmp_path / "photos" / "naïve 鳥.png")
    odd = os.fsdecode(b"caf\xe9.png")
    Image.fromarray(np.zeros((4, 4), np.uint8)).save(tmp_path / "photos" / odd)
    made.export(tmp_path / "team.onnx")
    return tmp_path / "team.onnx"


def _ensemble(*words: object, encoding: str = "utf-8", **how: Any) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-m", "pipelines.commands.cli", *map(str, words)],
        env={**os.environ, "PYTHONIOENCODING": encoding}, check=False, stderr=subprocess.PIPE,
        **how,
    )  # fmt: skip


@pytest.mark.parametrize("encoding", ["cp1252", "ascii", "utf-8"])
def test_text_that_an_encoding_lacks_is_escaped(team: Path, encoding: str) -> None:
    done = _ensemble("predict", team, team.parent / "photos", encoding=encoding,
                     stdout=subprocess.PIPE)  # fmt: skip
    assert (done.returncode, done.stderr) == (0, b"")
    header, *rows = done.stdout.decode(encoding).splitlines()
    bird = "鳥" if encoding == "utf-8" else r"\u9ce5"
    assert f"p:{bird}" in header and len(rows) == 2
    assert r"caf\udce9.png" in rows[0] and bird in rows[1]


def test_a_closed_output_is_no_traceback(team: Path) -> None:
    closed = _ensemble("predict", team, team.parent / "photos",
                       preexec_fn=lambda: [os.close(0), os.close(1)])  # fmt: skip
    assert (closed.returncode, closed.stderr) == (0, b"")


@pytest.mark.parametrize("words", ["predict {team} {photos}", "archs", "build --help"])
def test_a_reader_who_has_left_ends_a_command_well(team: Path, words: str) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    places = {"team": team, "photos": team.parent / "photos"}
    left = _ensemble(*(word.format(**places) for word in words.split()), stdout=writer)
    os.close(writer)
    assert (left.returncode, left.stderr) == (0, b"")


def test_another_process_that_is_gone_is_an_error(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(**_: object) -> None:
        raise BrokenPipeError(errno.EPIPE, "Broken pipe")

    monkeypatch.setattr("pipelines.commands.archs.run_archs", gone)
    assert "a process that this one spoke to has ended" in fails(capsys, "archs", code=1)


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (OSError(errno.ENOSPC, "No space left on device", "/x/y"),
         "/x/y: No space left on device; free some space; the same command goes on"),
        (OSError(errno.ENOTDIR, "Not a directory", "/dev/null/x"), "give a folder, none of whose"),
        (MemoryError("29 TiB"), "memory ran out (29 TiB); use fewer jobs"),
        (MachineError("a worker\nprocess"), "a worker process"),
        (KeyError("odd"), "KeyError: 'odd'"),
    ],
)  # fmt: skip
def test_what_a_machine_refuses_is_one_line(error: Exception, said: str) -> None:
    assert said in last_line(error) and "\n" not in last_line(error)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("build --m 99999999999999999999 --out x", "--m 99999999999999999999: allowed 1 to 100000"),
        ("build --limit 99999999999999999999 --out x", "allowed are numbers up to 92233720368547"),
        ("build --m 2 --s 1 --out /dev/null/x", "/dev/null/x cannot be made: Not a directory"),
        ("build --image-size 3x --out x", "--image-size '3x': allowed a side in pixels, 64, or"),
        ("build --axes NCT --out x", "--axes NCT are those of an .npz; digits is none"),
        ("build --groups no.csv --out x", "groups no.csv cannot be read: No such file"),
    ],
)  # fmt: skip
def test_impossible_requests_are_one_line(
    words: str, said: str, capsys: pytest.CaptureFixture[str], tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    assert run(words.split()) == 2
    assert said in capsys.readouterr().err


def test_an_unknown_architecture_is_no_factory(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    networks = [NETWORKS["mlp-a"](2, (4,), (4, 4)) for _ in range(2)]
    Ensemble(networks, ["a", "b"], (4,)).save(tmp_path / "team")
    assert run(["predict", str(tmp_path / "team"), "rows.npy", "--arch", "nosuch"]) == 2
    assert "unknown architecture 'nosuch'" in capsys.readouterr().err


def test_a_killed_worker_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def killed() -> list[Any]:
        raise placement.BrokenProcessPool("A worker process managed by the executor …")

    with pytest.raises(MachineError, match="ended from outside, most likely as memory ran out"):
        placement._unless_killed(killed)
