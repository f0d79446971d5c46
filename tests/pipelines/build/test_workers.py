"""Worker processes end with the process that started them; what a dead one shared goes."""

from __future__ import annotations

import fcntl
import inspect
import os
import signal
import subprocess
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import pytest
from joblib.externals.loky import process_executor
from pipeline_support import write_images

from pipelines.build import workers

LONG = (
    "--m", "2", "--s", "2", "--arch", "mlp-a:8-6", "--arch", "mlp-a:7-6", "--epochs", "100000",
    "--rounds", "1", "--kappa", "0", "--jobs", "2",
)  # fmt: skip


@pytest.fixture
def shared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("JOBLIB_TEMP_FOLDER", str(tmp_path))
    return tmp_path


def test_the_folder_of_a_dead_process_goes_and_a_living_ones_stays(shared: Path) -> None:
    for name in ("ensemble-dead", "ensemble-living", "ensemble-fresh", "elses"):
        (shared / name).mkdir()
        (shared / name / "array").write_bytes(b"x")
    for name in ("ensemble-dead", "ensemble-living", "elses"):
        (shared / name / workers.OWNER).touch()
    with (shared / "ensemble-living" / workers.OWNER).open("wb") as owner:
        fcntl.flock(owner, fcntl.LOCK_EX)
        made = workers.shared_folder.__wrapped__()
        held = {path.name for path in shared.iterdir()}
    assert held == {"ensemble-living", "ensemble-fresh", "elses", made.name}


def test_that_a_worker_is_replaced_is_not_said_and_the_rest_is() -> None:
    said = "A worker stopped while some jobs were given to the "
    assert said in inspect.getsource(process_executor)  # as loky words it
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        with workers.replaced_unsaid():
            warnings.warn(said + "executor.", UserWarning, stacklevel=1)
            warnings.warn("something else", UserWarning, stacklevel=1)
    assert [str(one.message) for one in heard] == ["something else"]


def _waited(holds: Callable[[], bool], seconds: float = 60) -> bool:
    end = time.monotonic() + seconds
    while not holds() and time.monotonic() < end:
        time.sleep(0.05)
    return holds()


def _children(process: int) -> list[int]:
    found = subprocess.run(
        ["ps", "-ww", "-o", "pid=", "-o", "args=", "--ppid", str(process)],
        check=False,
        capture_output=True,
        text=True,
    ).stdout
    return [int(line.split()[0]) for line in found.splitlines() if "popen_loky_posix" in line]


def _runs(process: int) -> bool:
    try:
        return "popen_loky" in Path(f"/proc/{process}/cmdline").read_text()
    except OSError:
        return False


def _started(shared: Path) -> subprocess.Popen[str]:
    data = write_images(shared / "tiny.npz")
    words = ["build", "--data", str(data), *LONG, "--out", str(shared / "run")]
    return subprocess.Popen(
        [sys.executable, "-m", "pipelines.commands.cli", *words],
        stderr=subprocess.PIPE, text=True, start_new_session=True, env={**os.environ},
    )  # fmt: skip


@pytest.mark.slow
def test_workers_end_with_the_build_that_is_killed(shared: Path) -> None:
    build = _started(shared)
    assert _waited(lambda: len(_children(build.pid)) == 2)
    time.sleep(5)
    found = _children(build.pid)
    build.kill()
    build.communicate()
    assert _waited(lambda: not any(map(_runs, found)), 5)


@pytest.mark.slow
def test_an_interrupt_while_workers_start_is_one_line(shared: Path) -> None:
    build = _started(shared)
    assert _waited(lambda: bool(_children(build.pid)))
    found = _children(build.pid)
    os.killpg(build.pid, signal.SIGINT)  # as a terminal does
    said = build.communicate(timeout=60)[1].splitlines()
    assert build.returncode == 130
    told = (" runs of ", " has 36 samples: ")  # before anything trains
    assert [line for line in said if line and not any(text in line for text in told)] == [
        "ensemble: interrupted; the same command goes on where it stopped"
    ]
    assert _waited(lambda: not any(map(_runs, found)), 5)
    assert not list(shared.glob("ensemble-*"))
