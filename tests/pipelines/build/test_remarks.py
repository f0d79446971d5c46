"""What is said of a build whose pruning was in vain."""

from __future__ import annotations

from pathlib import Path

import pytest
from pipeline_support import tiny_config, write_images

from pipelines.build.remarks import of_training, pruned_in_vain
from pipelines.build.story import build
from pruning.core.settings_tree import changed


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return write_images(tmp_path / "tiny.npz", classes=6)


def test_where_no_pruned_network_held_it_is_said_with_a_way_out(data: Path) -> None:
    built = build(changed(tiny_config(data), {"kappa": 1.0, "fraction": 0.95, "epochs": 15}))
    assert all(entry.round == 0 for entry in built.handed_on), "as the settings were meant"
    [line] = [line for line in of_training(built) if "pruned" in line]
    assert "κ 1 times" in line and "`kappa`" in line


@pytest.mark.parametrize("change", [{"kappa": 0.0}, {"rounds": 0}])
def test_where_one_held_or_none_was_asked_for_nothing_is_said(
    data: Path, change: dict[str, float]
) -> None:
    assert pruned_in_vain(build(changed(tiny_config(data), change))) == ""
