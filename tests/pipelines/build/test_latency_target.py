"""A build by latency asks the clock once, before training, and keeps what it said."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from pipeline_support import tiny_config, write_images
from torch import nn

from pipelines.build.built import read_built
from pipelines.build.story import build
from pipelines.commands.build import summary
from pipelines.run.config import BuildConfig
from pipelines.run.directory import RunDirectory
from pipelines.run.plan import Group
from pipelines.run.resources import Placement
from pruning.dropnet import DropNet, Runs
from pruning.dropnet.target import Target
from pruning.inference.cost import count_cost
from pruning.training.recipe import Recipe

SHARE = 0.15


@pytest.fixture
def pace(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Return a number for each time that the clock was asked; time goes with FLOPs."""
    asked: list[float] = []

    def measured(networks: Sequence[nn.Module], shape: tuple[int, ...]) -> NDArray[np.float64]:
        asked.append(1.0)
        return np.array([count_cost(network, shape).flops / 1e6 for network in networks])

    monkeypatch.setattr("pruning.dropnet.fast_enough.measure_latencies", measured)
    return asked


def _asked(folder: Path) -> BuildConfig:
    recipe = Recipe(max_epochs=2, batch_size=16)
    dropnet = DropNet(target=Target(latency=SHARE), recipe=recipe, metric="minimum_layer")
    return tiny_config(write_images(folder / "tiny.npz"), dropnet=dropnet)


def _history(out: Path) -> dict[str, bytes]:
    return {str(file.relative_to(out)): file.read_bytes() for file in out.rglob("members/**/*")
            if file.is_file()}  # fmt: skip


def test_a_stopped_build_goes_on_to_the_same_networks_without_a_clock(
    tmp_path: Path, pace: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, whole, stopped = _asked(tmp_path), tmp_path / "whole", tmp_path / "stopped"
    build(asked, out=whole)
    begun = len(pace)
    assert begun > 0
    build(asked, out=stopped, placement=Placement(time_limit=1e-9))
    assert len(pace) == 2 * begun

    def nobody(*_: object) -> NDArray[np.float64]:
        raise AssertionError("the clock was asked again")

    monkeypatch.setattr("pruning.dropnet.fast_enough.measure_latencies", nobody)
    first, second = (RunDirectory.existing(out).resolved for out in (whole, stopped))
    assert first.groups == second.groups
    built = build(asked, out=stopped)
    assert not built.cut
    assert _history(stopped) == _history(whole)
    most = SHARE * asked.m / asked.selection.size
    for history, entry in zip(built.histories, built.handed_on, strict=True):
        assert entry.cost.flops <= most * history.rounds[0].cost.flops


def test_what_was_found_stands_in_the_configuration(tmp_path: Path, pace: list[float]) -> None:
    out = tmp_path / "run"
    built = build(_asked(tmp_path), out=out)
    content = json.loads((out / "config.json").read_text(encoding="utf-8"))
    flops = {group["flops"] for group in content["groups"]}
    assert flops == {built.store.resolved.groups[0].flops}
    assert content["asked"]["dropnet"]["target"]["latency"] == SHARE
    again = read_built(RunDirectory.existing(out))
    assert again.store.resolved.groups == built.store.resolved.groups


def test_a_group_without_a_latency_is_written_as_before() -> None:
    group = Group(Runs("mlp-a", (0, 1), (0, 1)), "stacked")
    assert "flops" not in group.to_json()
    assert Group.from_json(group.to_json()) == group
    fast = dataclasses.replace(group, flops=120.0)
    assert Group.from_json(fast.to_json()) == fast


def test_a_build_says_how_long_its_team_takes(tmp_path: Path, pace: list[float]) -> None:
    told: list[str] = []
    built = build(_asked(tmp_path), tell=told.append)
    assert any("FLOPs, which were as fast as is asked" in line for line in told)
    (line,) = [line for line in summary(built, 1.0) if "ms per sample" in line]
    assert line.startswith("the team takes ")
    assert line.endswith(f"asked for was at most {SHARE} of all")
    assert not any("missed" in line for line in summary(built, 1.0))
