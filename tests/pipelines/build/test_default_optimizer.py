"""Runs of networks with batch norms: by SGD, and those that were begun by AdamW, to their end."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pipeline_support import tiny_config, write_images

from pipelines.build.story import build
from pipelines.run.config import BuildConfig
from pruning.core.errors import RequestError
from pruning.dropnet.population import starting_recipe
from pruning.dropnet.settings import DropNet
from pruning.training import training_loop
from pruning.training.recipe import Recipe


@pytest.fixture
def config(tmp_path: Path) -> BuildConfig:
    recipe = Recipe(max_epochs=1, batch_size=64, warmup=0)
    dropnet = DropNet(rounds=1, kappa=0.0, recipe=recipe)
    data = write_images(tmp_path / "tiny.npz")
    return tiny_config(data, m=2, archs=("resnet20:2-2-2",), dropnet=dropnet)


@pytest.fixture
def trained_by(monkeypatch: pytest.MonkeyPatch) -> list[str | None]:
    """Return the optimizers of all trainings from now on."""
    found: list[str | None] = []
    resolved = training_loop.resolved_recipe

    def noted(*given: Any) -> Recipe:
        recipe = resolved(*given)
        found.append(recipe.optimizer)
        return recipe

    monkeypatch.setattr(training_loop, "resolved_recipe", noted)
    return found


def _of_an_earlier_version(dropnet: DropNet, arch: Any) -> Recipe:
    return starting_recipe(DropNet(init="as if", recipe=dropnet.recipe), arch)


def test_a_run_and_its_control_train_by_sgd(
    config: BuildConfig, tmp_path: Path, trained_by: list[str | None]
) -> None:
    build(config, out=tmp_path / "run", control=True)
    assert set(trained_by) == {"sgd"}


def test_a_run_of_an_earlier_version_goes_on_and_gets_its_control_by_adamw(
    config: BuildConfig,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    trained_by: list[str | None],
) -> None:
    with monkeypatch.context() as earlier:
        earlier.setattr("pipelines.run.plan.starting_recipe", _of_an_earlier_version)
        build(config, out=tmp_path / "run")
    assert set(trained_by) == {"adamw"}
    before = len(trained_by)
    build(config, out=tmp_path / "run", control=True)
    assert len(trained_by) > before
    assert set(trained_by) == {"adamw"}
    with pytest.raises(RequestError, match="sgd now, adamw there, of an earlier version"):
        build(config, out=tmp_path / "new", unpruned_from=tmp_path / "run")
