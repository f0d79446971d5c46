"""``ensemble show --log``: what the time went to, what was done again, which lines are damaged."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from pipeline_support import fails, tiny_config, write_images

from pipelines.build.story import build
from pipelines.commands.cli import run
from pipelines.run.log_reading import read_log

BEGAN: dict[str, Any] = {"time": "t0", "what": "began", "last_rounds": {}}
ROUND: dict[str, Any] = {
    "time": "t1", "what": "round", "worker": "host:1", "group": [0, 1, 2], "round": 0,
    "runs": [0, 1, 2], "seconds": 4.0, "stages": {"training": 3.0, "files": 1.0}, "epochs": 5,
    "images_per_second": 100.0,
}  # fmt: skip
AGAIN = ROUND | {"worker": "host:2", "round": 1, "runs": [0, 2], "attempts": {"2": 3}}
STOPPED = {
    "time": "t2", "what": "stopped", "error": "KeyboardInterrupt",
    "stages": {"training": 6.0, "waiting": 2.0},
}  # fmt: skip
WENT_ON = {
    "time": "t3", "what": "went on", "group": [0, 1, 2], "round": 2, "training": "2", "epoch": 7,
}  # fmt: skip
ENDED = {"time": "t4", "what": "ended", "stages": {"small_team": 1.0, "other": 1.0}}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "config.json").write_text("{}")
    return tmp_path


def _write(folder: Path, *lines: object) -> None:
    texts = [line if isinstance(line, str) else json.dumps(line) for line in lines]
    (folder / "build.log").write_text("\n".join(texts) + "\n", encoding="utf-8")


def test_it_says_by_hand_what_took_the_time_and_what_was_done_again(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _write(folder, BEGAN, ROUND, AGAIN, STOPPED, BEGAN | {"last_rounds": {"0": 1}}, WENT_ON, ENDED)
    assert run(["show", str(folder), "--log"]) == 0
    out = capsys.readouterr().out
    assert "2 commands: 1 ended, 1 stopped by KeyboardInterrupt; 2 rounds of groups" in out
    assert "10.0 s went to training 60%, waiting 20%, small team 10%, other 10%" in out
    assert "worker host:1: 1 rounds in 4.0 s" in out
    assert "t1  run 2 was trained 3 times in round 1: it was at chance" in out
    assert "t3  round 2 of runs 0, 1, 2 went on in mid-round, at epoch 7 of training 2" in out
    rows = [line.split() for line in out.splitlines() if "host:2" in line and "worker" not in line]
    assert rows == [
        ["1", "0,", "2", "host:2", "4.00", "5", "100", "training", "75%,", "files", "25%"]
    ]


@pytest.mark.parametrize(
    "line",
    ["", "{", "[]", '"round"', json.dumps({"what": "round"}), '{"what": NaN, "time": 1}',
     json.dumps(ROUND | {"epochs": "many"}), json.dumps(ROUND | {"stages": 3}),
     json.dumps(WENT_ON | {"group": None}), json.dumps(STOPPED | {"stages": {"training": None}}),
     "[" * 100_000],
)  # fmt: skip
def test_a_damaged_line_is_named_and_the_rest_is_read(
    line: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _write(folder, BEGAN, line, ROUND, ENDED)
    assert run(["show", str(folder), "--log"]) == 0
    out, err = capsys.readouterr()
    assert "1 lines of" in out
    assert out.rstrip().endswith("are damaged, and left out: 2")
    assert "1 rounds in 4.0 s" in out
    assert err == ""


def test_terminal_escapes_are_shown_harmless(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _write(folder, ROUND | {"worker": "\x1b]0;owned\x07"})
    assert run(["show", str(folder), "--log"]) == 0
    assert "\x1b" not in capsys.readouterr().out


def test_without_a_log_or_a_run_one_line_says_so(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "build.log is missing" in fails(capsys, "show", str(folder), "--log")
    (folder / "config.json").unlink()
    assert "is not a run" in fails(capsys, "show", str(folder), "--log")


def test_a_builds_own_log_is_read_whole(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "run"
    build(tiny_config(write_images(tmp_path / "tiny.npz")), out=out)
    found = read_log(out / "build.log")
    assert found.unread == ()
    assert [one.round for one in found.rounds] == [0, 1, 2]
    assert all(one.worker and one.runs == (0, 1, 2, 3) for one in found.rounds)
    assert found.began == len(found.commands) == 1
    assert run(["show", str(out), "--log"]) == 0
    assert "1 command: 1 ended; 3 rounds of groups" in capsys.readouterr().out
