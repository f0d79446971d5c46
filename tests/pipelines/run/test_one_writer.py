"""One writer per run: the second is told who holds it, and a dead one's hold is taken over."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from pipeline_support import TINY_OPTIONS, tiny_config, write_images

from pipelines.build.story import build
from pipelines.commands.cli import run as command
from pipelines.run.directory import RunDirectory
from pipelines.run.one_writer import LOCK, HeldRunError, one_writer

HOLD = """
import sys, time
from pathlib import Path
from pipelines.run.one_writer import one_writer
with one_writer(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def holder(tmp_path: Path) -> subprocess.Popen[str]:
    """Return another process that holds `tmp_path` / "run"."""
    (tmp_path / "run").mkdir()
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path / "run")], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout and process.stdout.readline() == "held\n"
    return process


def _killed(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.communicate()


def test_the_second_is_told_who_holds_the_run_and_leaves_with_2(
    holder: subprocess.Popen[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data, out = write_images(tmp_path / "tiny.npz"), tmp_path / "run"
    words = ["build", "--data", str(data), *TINY_OPTIONS, "--out", str(out)]
    try:
        assert command(words) == 2
        said = capsys.readouterr().err
        assert f"{out} is being written to by process {holder.pid} on {os.uname().nodename}" in said
        assert "since 20" in said and said.count("ensemble:") == 1
        assert [file.name for file in out.iterdir()] == [LOCK]
    finally:
        _killed(holder)
    assert command(words) == 0
    assert not (out / LOCK).exists()


def test_a_dead_writers_hold_is_taken_over(holder: subprocess.Popen[str], tmp_path: Path) -> None:
    with pytest.raises(HeldRunError), one_writer(tmp_path / "run"):
        pass
    holder.send_signal(signal.SIGKILL)
    holder.communicate()
    assert (tmp_path / "run" / LOCK).exists()
    with one_writer(tmp_path / "run"):
        assert str(os.getpid()) in (tmp_path / "run" / LOCK).read_text()
    assert not (tmp_path / "run" / LOCK).exists()


def test_a_thread_holds_it_against_another_and_for_itself(tmp_path: Path) -> None:
    said: list[str] = []

    def second() -> None:
        try:
            with one_writer(tmp_path):
                said.append("held")
        except HeldRunError as error:
            said.append(str(error))

    with one_writer(tmp_path), one_writer(tmp_path / "."):
        thread = threading.Thread(target=second)
        thread.start()
        thread.join()
    assert f"by process {os.getpid()} on" in said[0]
    second()
    assert said[1:] == ["held"]


def test_every_command_that_writes_to_a_run_asks_and_readers_do_not(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data, out = write_images(tmp_path / "tiny.npz"), tmp_path / "run"
    build(tiny_config(data), out=out)
    said: list[tuple[int, str]] = []
    run, copy = str(out), str(tmp_path / "copy")
    shutil.copytree(out, copy)
    writers = [
        ["compare", run],
        ["export", run, "--cascade"],
        ["compare", run, copy, "--out", str(tmp_path / "both")],
        ["build", "--data", str(data), *TINY_OPTIONS, "--out", run],
    ]
    readers = [
        ["show", run],
        ["predict", run, str(data)],
        ["select", run, "--s", "3", "--out", str(tmp_path / "again")],
    ]
    np_data = data.with_name("x.npy")
    import numpy as np

    np.save(np_data, np.load(data)["X"][:2])
    readers[1][2] = str(np_data)

    def tried() -> None:
        for words in writers + readers:
            code = command(words)
            said.append((code, capsys.readouterr().err))

    with RunDirectory(out).writing():
        thread = threading.Thread(target=tried)
        thread.start()
        thread.join()
    assert [code for code, _ in said] == [2] * len(writers) + [0] * len(readers)
    assert all("is being written to by" in err for _, err in said[: len(writers)])


def test_a_folder_that_cannot_be_written_to_is_not_held(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object) -> int:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("pipelines.run.one_writer.os.open", refused)
    with one_writer(tmp_path):
        pass
