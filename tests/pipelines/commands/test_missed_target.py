"""A build says where its networks cost more than was asked, and what ended them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pipeline_support import tiny_config, write_images

from pipelines.build.story import build
from pipelines.commands.build import summary
from pipelines.run.config import BuildConfig
from pipelines.run.resources import Placement
from pruning.dropnet import DropNet
from pruning.dropnet.target import Target
from pruning.training.recipe import Recipe


def _asked(folder: Path, flops: float, **given: Any) -> BuildConfig:
    recipe = Recipe(max_epochs=2, batch_size=16)
    dropnet = DropNet(target=Target(flops=flops), recipe=recipe, **given)
    return tiny_config(write_images(folder / "tiny.npz"), dropnet=dropnet)


@pytest.mark.parametrize(
    ("given", "why"),
    [({"rounds": 1}, "--rounds 1"), ({"rounds": 0}, "--rounds 0"), ({"keep": 0.75}, "--keep 0.75")],
)
def test_a_missed_target_is_said_with_what_ended_the_runs(
    given: dict[str, float], why: str, tmp_path: Path
) -> None:
    asked = _asked(tmp_path, 0.15, **given)
    told = [line for line in summary(build(asked), 1.0) if line.startswith("the target is missed")]
    assert len(told) == 1
    assert f"by {asked.m} of {asked.m} networks" in told[0]
    assert told[0].endswith(f"ended by {why}")


def test_a_time_limit_is_named(tmp_path: Path) -> None:
    at_once = Placement(time_limit=1e-9)
    built = build(_asked(tmp_path, 0.15), out=tmp_path / "run", placement=at_once)
    assert any(line.endswith("ended by the time limit") for line in summary(built, 1.0))


def test_a_target_that_is_reached_is_no_news(tmp_path: Path) -> None:
    assert not any("target" in line for line in summary(build(_asked(tmp_path, 0.3)), 1.0))
