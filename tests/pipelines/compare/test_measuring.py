"""Time and memory: measured in processes of their own, kept apart, told with the table."""

from __future__ import annotations

import dataclasses
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from pipeline_support import directory, tiny_config, write_images

from pipelines.build.built import Built
from pipelines.build.story import build
from pipelines.commands.cli import run as cli
from pipelines.compare import measuring
from pipelines.compare.contenders import SELECTED
from pipelines.compare.gather import gather
from pipelines.compare.measuring import Measured, measure, stored_measurements
from pipelines.compare.of_build import compare
from pipelines.compare.run_teams import contenders
from pipelines.run.directory import RunDirectory
from pruning.core.errors import MachineError


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    folder = tmp_path_factory.mktemp("measured")
    return build(tiny_config(write_images(folder / "tiny.npz")), out=folder / "run")


@pytest.fixture(scope="module")
def measured(built: Built) -> Measured:
    """The team, in its process."""
    before = {f: f.read_bytes() for f in built.path.rglob("*") if f.is_file()}
    found = _measure(built, SELECTED)
    before.pop(directory(built).contents_file)  # which names what was measured
    assert all(file.read_bytes() == content for file, content in before.items())
    return found


def _measure(built: Built, *names: str, threads: int = 1) -> Measured:
    rows = contenders(gather(built), np.random.default_rng(0))
    return measure(built, [row for row in rows if row.name in names], threads)


def test_every_figure_is_there_and_sane(built: Built, measured: Measured) -> None:
    assert set(measured.contenders) == {SELECTED}
    team = measured.contenders[SELECTED]
    assert team.latency_1_ms is not None and team.latency_128_ms is not None
    assert 0 < team.latency_1_ms < 1000
    assert team.throughput is not None and team.throughput > 1000 / team.latency_1_ms
    files = directory(built).ensemble_folder.iterdir()
    assert team.disk_bytes == sum(file.stat().st_size for file in files)
    assert team.peak_process_bytes is not None and team.peak_process_bytes > 50e6
    assert "1 thread each" in measured.sentence


def test_what_was_measured_is_kept_for_this_team_alone(built: Built, measured: Measured) -> None:
    team = built.selection.team
    assert stored_measurements(built.store, team) == measured
    assert stored_measurements(built.store, ("00-r0",)) is None
    table = compare(built).table.set_index("contender")
    assert table.loc[SELECTED, "latency_1_ms"] == measured.contenders[SELECTED].latency_1_ms
    assert table.loc["all_unpruned", "latency_1_ms"] != table.loc["all_unpruned", "latency_1_ms"]


def test_a_mean_over_draws_is_no_team(built: Built) -> None:
    rows = contenders(gather(built), np.random.default_rng(0))
    assert {row.name for row in rows if not row.team} == {
        "single_mean_unpruned", "random_s_pruned",
    }  # fmt: skip


def test_a_process_that_fails_is_named(built: Built, tmp_path: Path) -> None:
    assert built.path is not None
    copy = RunDirectory(shutil.copytree(built.path, tmp_path / "run"))
    (copy.ensemble_folder / "ensemble.json").write_text("{}")
    with pytest.raises(MachineError, match=r"selected could not be measured: .*ensemble\.json"):
        _measure(dataclasses.replace(built, store=copy), SELECTED)


def test_a_process_that_dies_between_its_turns_is_named(
    built: Built, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = measuring._answer

    def killed_once_ready(name: str, worker: subprocess.Popen[str]) -> dict[str, float]:
        answer = answers(name, worker)
        worker.kill()
        worker.wait()
        return answer

    monkeypatch.setattr(measuring, "_answer", killed_once_ready)
    with pytest.raises(MachineError, match="selected could not be measured: it ended by signal 9"):
        _measure(built, SELECTED)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--measure", "--threads", "0"], "--threads 0 must be at least 1"),
        (["--threads", "2"], "--threads belongs to --measure"),
    ],
)
def test_wrong_threads_are_refused_before_anything_is_read(
    options: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli(["compare", "nowhere", *options]) == 2
    assert message in capsys.readouterr().err


@pytest.mark.slow
def test_every_contender_of_a_whole_run_is_measured(built: Built, tmp_path: Path) -> None:
    source = str(built.path)
    asked = tiny_config(built.path.parent / "tiny.npz")
    build(asked, out=built.path, control=True, small_team=True)
    assert cli(["export", source]) == 0
    assert cli(["export", source, "--int8", "--max-loss", "0.5"]) == 0
    assert cli(["compare", source, "--measure", "--out", str(tmp_path)]) == 0
    header, *lines = (tmp_path / "comparison.csv").read_text(encoding="utf-8").splitlines()
    column = header.split(",").index("peak_process_bytes")
    empty = {line.split(",")[0] for line in lines if not line.split(",")[column]}
    assert empty == {"single_mean_unpruned", "random_s_pruned"}
