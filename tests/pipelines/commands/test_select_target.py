"""Choosing again leaves what the networks were pruned to as it was, whatever the team's size."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from pipeline_support import directory, fails, tiny_config, write_images
from torch import nn

from pipelines.build.built import Built, read_built
from pipelines.build.story import build
from pipelines.commands.cli import run
from pipelines.compare.of_build import command_that_built, compare
from pipelines.run.config import BuildConfig
from pipelines.run.control_files import CONTROL
from pipelines.run.directory import RunDirectory
from pruning.core.errors import RequestError
from pruning.dropnet import DropNet
from pruning.dropnet.target import Target
from pruning.inference.cost import count_cost
from pruning.training.recipe import Recipe

TARGETS = {
    "share": Target(flops=0.2),
    "share that twice the team would take beyond one": Target(bytes=0.6),
    "number": Target(bytes=900),
    "number that half the team would take to one": Target(flops=350),
    "latency": Target(latency=0.2),
    "milliseconds": Target(latency=1.5),
}


@pytest.fixture(autouse=True)
def pace(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let time go with FLOPs."""

    def measured(networks: Sequence[nn.Module], shape: tuple[int, ...]) -> NDArray[np.float64]:
        return np.array([count_cost(network, shape).flops / 4e5 for network in networks])

    monkeypatch.setattr("pruning.dropnet.fast_enough.measure_latencies", measured)


def _built(folder: Path, target: Target) -> Built:
    dropnet = DropNet(target=target, recipe=Recipe(max_epochs=2, batch_size=16))
    return build(
        tiny_config(write_images(folder / "tiny.npz"), dropnet=dropnet), out=folder / "run"
    )


def _members(run: Path) -> dict[str, bytes]:
    return {file.parent.name + file.name: file.read_bytes() for file in run.rglob("round-*")}


@pytest.mark.parametrize("kind", TARGETS)
@pytest.mark.parametrize("size", [1, 4])
def test_networks_stay_pruned_to_what_they_were(
    size: int, kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first, out = _built(tmp_path, TARGETS[kind]), tmp_path / "new"
    assert not first.cut
    assert run(["select", str(first.path), "--s", str(size), "--out", str(out)]) == 0
    again = read_built(RunDirectory(out))
    resolved, before = again.store.resolved, first.store.resolved
    assert again.config.selection.size == size
    assert [resolved.settings_of(n) for n in range(4)] == [before.settings_of(n) for n in range(4)]
    assert not again.cut
    assert not any("time limit" in note for note in compare(again).notes)

    said = shlex.split(command_that_built(again))
    assert said[said.index("--target-s") + 1] == "2"
    capsys.readouterr()
    assert run(["build", "--config", str(out / "config.json"), "--out", str(out), "--control"]) == 0
    assert "nothing was left to train" in capsys.readouterr().out
    assert _members(out) == _members(tmp_path / "run")
    control = RunDirectory(out).control(CONTROL)
    assert control is not None and control.team == again.selection.team


def test_the_printed_command_makes_the_same_networks(tmp_path: Path) -> None:
    first, out = _built(tmp_path, Target(flops=0.2)), tmp_path / "new"
    assert run(["select", str(first.path), "--s", "4", "--out", str(out)]) == 0
    words = shlex.split(command_that_built(read_built(RunDirectory(out))))[1:]
    assert run([*words, "--out", str(tmp_path / "made")]) == 0
    assert _members(tmp_path / "made") == _members(out)
    assert RunDirectory(tmp_path / "made").resolved.config == RunDirectory(out).resolved.config


@pytest.mark.parametrize(
    "words", [["--pool", "rounds"], ["--max-flops", "1e9"], ["--max-bytes", "1e9"], ["--thrifty"]]
)
def test_another_choice_of_the_same_size_says_nothing_of_the_target(
    words: list[str], tmp_path: Path
) -> None:
    first, out = _built(tmp_path, Target(flops=0.2)), tmp_path / "new"
    assert run(["select", str(first.path), *words, "--out", str(out)]) == 0
    again = read_built(RunDirectory(out))
    assert again.config.target_s is None
    assert again.config.of_each_run == first.config.of_each_run
    assert not again.cut


def test_the_size_that_a_target_speaks_of_goes_where_the_team_has_it(tmp_path: Path) -> None:
    first = _built(tmp_path, Target(flops=0.2))
    for source, size, to in (("run", "4", "four"), ("four", "3", "three"), ("three", "2", "two")):
        words = ["select", str(tmp_path / source), "--s", size, "--out", str(tmp_path / to)]
        assert run(words) == 0
    found = {name: RunDirectory(tmp_path / name).resolved.config for name in ("three", "two")}
    assert found["three"].target_s == 2
    assert found["two"] == directory(first).resolved.config


def test_a_build_of_another_size_is_not_sent_to_select_where_a_target_would_differ(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _built(tmp_path, Target(flops=0.2))
    config, out = str(tmp_path / "run" / "config.json"), str(tmp_path / "run")
    told = fails(capsys, "build", "--config", config, "--s", "4", "--out", out)
    assert "ensemble select" not in told
    told = fails(capsys, "build", "--config", config, "--s", "4", "--target-s", "2", "--out", out)
    assert "ensemble select" in told


def test_a_size_without_a_target_is_refused() -> None:
    with pytest.raises(RequestError, match="`target_s` 5 is the size of the team that a target"):
        BuildConfig(target_s=5)
    config = BuildConfig.of(target_flops=0.05, target_s=5, s=7)
    assert config.of_each_run == BuildConfig.of(target_flops=0.05).of_each_run
    assert BuildConfig.from_json(config.to_json()) == config
