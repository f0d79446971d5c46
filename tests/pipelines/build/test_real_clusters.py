"""Builds on clusters of real processes, parts of which are killed."""

from __future__ import annotations

import subprocess
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from loopback import CLUSTERS, Loopback, loopback, start, waited
from pipeline_support import write_images
from run_contents import logged_rounds, run_files

pytestmark = pytest.mark.slow

BUILD = (
    "build", "--data", "tiny.npz", "--m", "6", "--s", "2", "--arch", "mlp-a:8-6", "--arch",
    "conv-b:3-4", "--epochs", "160", "--batch-size", "16", "--rounds", "2", "--kappa", "0",
)  # fmt: skip


@pytest.fixture(params=CLUSTERS)
def cluster(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Loopback]:
    pytest.importorskip(request.param)
    write_images(tmp_path / "tiny.npz")
    with loopback(request.param, tmp_path, 3) as found:
        yield found


def _start(folder: Path, *words: str) -> subprocess.Popen[str]:
    return start((*BUILD, *words), folder)


def _is_whole(folder: Path) -> None:
    """Hold the run `there` against a build on this machine."""
    here = _start(folder, "--jobs", "1", "--out", "here")
    assert here.communicate()[1] is not None
    assert here.returncode == 0
    assert run_files(folder / "there") == run_files(folder / "here")
    counted = Counter(
        (tuple(line["group"]), line["round"]) for line in logged_rounds(folder / "there")
    )
    assert set(counted.values()) == {1}
    assert len(counted) == 4 * 3


def test_workers_may_die_and_come(cluster: Loopback, tmp_path: Path) -> None:
    there = _start(tmp_path, cluster.option, cluster.address, "--out", "there")
    assert waited(lambda: len(logged_rounds(tmp_path / "there")) >= 2)
    cluster.kill(cluster.workers[0])
    cluster.add()
    said = there.communicate(timeout=300)[1]
    assert there.returncode == 0, said
    assert "Traceback" not in said
    _is_whole(tmp_path)


def test_a_dead_scheduler_is_a_line_and_the_same_command_goes_on(
    cluster: Loopback, tmp_path: Path
) -> None:
    words = (cluster.option, cluster.address, "--out", "there")
    there = _start(tmp_path, *words)
    assert waited(lambda: len(logged_rounds(tmp_path / "there")) >= 1)
    cluster.kill(cluster.head)
    said = there.communicate(timeout=300)[1]
    assert there.returncode == 1, said
    assert "Traceback" not in said
    assert [line for line in said.splitlines() if "gone" in line] == [said.splitlines()[-1]]
    kept = len(logged_rounds(tmp_path / "there"))
    cluster.stop()
    cluster.begin(1)
    again = _start(tmp_path, *words)
    said = again.communicate(timeout=300)[1]
    assert again.returncode == 0, said
    assert len(logged_rounds(tmp_path / "there")) == 4 * 3 > kept
    _is_whole(tmp_path)
