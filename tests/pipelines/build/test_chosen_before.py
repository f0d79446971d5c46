"""A finished run keeps its choice, and what was made of it, when its command is given again."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from pipeline_support import directory, tiny_config, write_images
from run_contents import run_files
from torch import nn

import ensemble
from ensemble.model import Ensemble
from ensemble.storage.sealed import json_bytes, parse_json, seal
from pipelines.build.story import build
from pipelines.commands.cli import run as command
from pipelines.run import directory as directories
from pipelines.run.config import BuildConfig, SelectionConfig
from pipelines.run.control_files import CONTROL, Control
from pipelines.run.directory import RunDirectory
from pipelines.run.resources import Placement
from pruning.core.errors import DamagedRunError


@pytest.fixture
def config(tmp_path: Path) -> BuildConfig:
    # A team that its first member does not match alone: the cascade has something to fit.
    return tiny_config(
        write_images(tmp_path / "tiny.npz"), selection=SelectionConfig(size=2, method="hq")
    )


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Measure in turns that the first, or the last, networks are the fast ones; count the turns."""
    asked: list[int] = []

    def measured(networks: Sequence[nn.Module], shape: tuple[int, ...]) -> NDArray[np.float64]:
        asked.append(len(networks))
        slow = np.arange(len(networks)) >= 2
        return np.where(slow if len(asked) % 2 else ~slow, 1.0, 1e-6)

    monkeypatch.setattr("pipelines.build.choosing_team.measure_latencies", measured)
    return asked


def test_a_latency_is_not_measured_again_and_the_team_stays(
    config: BuildConfig, clock: list[int], tmp_path: Path
) -> None:
    limited = SelectionConfig(size=2, max_latency=1.0)
    config, out = dataclasses.replace(config, selection=limited), tmp_path / "run"
    first = build(config, out=out)
    assert command(["export", str(out)]) == 0
    wanted = run_files(out)
    again = build(config, out=out)
    assert len(clock) == 1
    assert again.earlier
    assert again.selection == first.selection
    assert run_files(out) == wanted
    built = build(config, out=out, control=True)
    found = run_files(out)
    assert all(found[name] == data for name, data in wanted.items() if name != "files.json")
    control = directory(built).control(CONTROL)
    assert control is not None and control.team == first.selection.team


def test_a_cascade_that_was_fitted_to_a_loss_stays(config: BuildConfig, tmp_path: Path) -> None:
    out = tmp_path / "run"
    build(config, out=out)
    usual = ensemble.load(out).description.combination.cascade
    assert command(["export", str(out), "--cascade", "--max-loss", "0.5"]) == 0
    fitted = ensemble.load(out).description.combination.cascade
    assert fitted != usual
    build(config, out=out)
    build(config, out=out, control=True)
    assert ensemble.load(out).description.combination.cascade == fitted


def test_what_was_left_between_a_choice_and_its_ensemble_is_made(
    config: BuildConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    build(config, out=tmp_path / "whole")
    out = tmp_path / "run"
    build(config, out=out, placement=Placement(jobs=1, time_limit=1e-9))

    def killed(self: RunDirectory, model: Ensemble) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(RunDirectory, "keep_ensemble", killed)
        with pytest.raises(KeyboardInterrupt):
            build(config, out=out)  # the earlier team's ensemble stands beside the new choice
    assert run_files(out) != run_files(tmp_path / "whole")
    build(config, out=out)
    found, wanted = run_files(out), run_files(tmp_path / "whole")
    assert {name: data for name, data in found.items() if name != "files.json"} == {
        name: data for name, data in wanted.items() if name != "files.json"
    }


@pytest.mark.parametrize(
    "name", ["selection.json", "candidates.csv", "ensemble/ensemble.json",
             "ensemble/member-1.safetensors", "predictions/select.npz"],
)  # fmt: skip
@pytest.mark.parametrize("how", ["damaged", "missing"])
def test_what_is_not_there_as_it_was_is_made_again(
    how: str, name: str, config: BuildConfig, tmp_path: Path
) -> None:
    out = tmp_path / "run"
    build(config, out=out)
    wanted = run_files(out)
    file = out / name
    if how == "missing":
        file.unlink()
    else:
        file.write_bytes(file.read_bytes()[:-9])
    build(config, out=out)
    assert run_files(out) == wanted


def test_a_choice_that_another_version_wrote_is_made_again(
    config: BuildConfig, tmp_path: Path
) -> None:
    out = tmp_path / "run"
    build(config, out=out)
    wanted, run = run_files(out), RunDirectory(out)
    content = parse_json(run.selection_file.read_bytes(), "choice")
    assert isinstance(content, dict)
    del content["voting"]
    with run.placing() as fresh:
        (fresh / run.selection_file.name).write_bytes(json_bytes(seal(content)))
    build(config, out=out)
    assert run_files(out) == wanted


def test_damaged_weights_of_the_team_are_refused(config: BuildConfig, tmp_path: Path) -> None:
    out = tmp_path / "run"
    member = build(config, out=out).team[0]
    file = RunDirectory(out).round_file(member.run, member.round)
    file.write_bytes(file.read_bytes()[:-1])
    with pytest.raises(DamagedRunError, match=r"is damaged: .* give the `ensemble build` command"):
        build(config, out=out)


def test_weights_of_an_earlier_teams_control_do_not_stop_who_trains_another(
    config: BuildConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out, write = tmp_path / "run", directories.write_weights
    first = build(config, out=out, control=True, placement=Placement(jobs=1, time_limit=1e-9))

    def killed(*given: Any) -> Control:
        write(*given)
        raise KeyboardInterrupt  # control.json is the earlier one's

    with monkeypatch.context() as patch:
        patch.setattr(directories, "write_weights", killed)
        with pytest.raises(KeyboardInterrupt):
            build(config, out=out, control=True)
    built = build(config, out=out, control=True)
    control = directory(built).control(CONTROL)
    assert control is not None and control.team == built.selection.team != first.selection.team
