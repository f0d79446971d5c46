"""A time limit stops pruning, never the first training; what was cut is said, and goes on."""

from __future__ import annotations

from pathlib import Path

import pytest
from pipeline_support import tiny_config, write_images

from pipelines.build.story import build
from pipelines.commands.build import summary
from pipelines.compare.of_build import compare
from pipelines.run.resources import Placement
from pruning.core.errors import RequestError
from pruning.dropnet import DropNet
from pruning.training.recipe import Recipe


def tree(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


AT_ONCE = Placement(jobs=1, time_limit=1e-9)


def test_every_run_has_its_unpruned_network_and_a_team_is_chosen(tmp_path: Path) -> None:
    config = tiny_config(write_images(tmp_path / "tiny.npz"))
    built = build(config, out=tmp_path / "run", placement=AT_ONCE)

    assert [len(history.rounds) for history in built.histories] == [1] * config.m
    assert built.cut == tuple(range(config.m))
    assert len(built.selection.team) == config.selection.size
    told = "\n".join(summary(built, 1.0))
    assert "stopped by the time limit before its end: run 0, 1, 2, 3" in told
    comparison = compare(built)
    assert any("by a time limit: run 0, 1, 2, 3." in note for note in comparison.notes)
    assert not comparison.trains_control  # its command would go on with the pruning, too


def test_a_data_free_run_that_was_not_merged_yet_was_cut(tmp_path: Path) -> None:
    dropnet = DropNet(recipe=Recipe(max_epochs=3))
    data = write_images(tmp_path / "tiny.npz")
    config = tiny_config(data, pruner="datafree", dropnet=dropnet)
    assert build(config, out=tmp_path / "run", placement=AT_ONCE).cut == (0, 1, 2, 3)
    assert build(config, out=tmp_path / "run").cut == ()


@pytest.mark.parametrize("jobs", [1, 2])
def test_the_same_command_goes_on_to_the_same_bytes(tmp_path: Path, jobs: int) -> None:
    config = tiny_config(write_images(tmp_path / "tiny.npz"))
    at_once = build(config, out=tmp_path / "whole")
    build(config, out=tmp_path / "run", placement=Placement(jobs=jobs, time_limit=1e-9))
    again = build(config, out=tmp_path / "run", placement=Placement(jobs=jobs))
    last = build(config, out=tmp_path / "run")

    assert at_once.cut == again.cut == ()
    assert not again.earlier
    assert last.earlier
    assert tree(tmp_path / "run" / "ensemble") == tree(tmp_path / "whole" / "ensemble")
    selections = [(tmp_path / name / "selection.json").read_bytes() for name in ("run", "whole")]
    assert selections[0] == selections[1]


def test_a_finished_run_is_not_cut(tmp_path: Path) -> None:
    config = tiny_config(write_images(tmp_path / "tiny.npz"))
    build(config, out=tmp_path / "run")

    again = build(config, out=tmp_path / "run", placement=AT_ONCE)
    assert again.cut == ()
    assert again.earlier


@pytest.mark.parametrize("minutes", [0, -1, float("nan"), float("inf")])
def test_no_time_at_all_is_refused(minutes: float) -> None:
    with pytest.raises(RequestError, match="time_limit"):
        Placement(time_limit=minutes)
