"""A score, a measure, a method and a network in a file of one's own, from the command line."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from pipeline_support import write_images

from pipelines.commands.cli import run

MODULE = '''
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from pruning.scores.score import Score
from selection.measures.disagreement import Disagreement
from selection.methods.method import SelectionMethod
from selection.search.levels import Search, looked_at, most_accurate


class Weakest(Score):
    """The opposite of `minimum`'s order is dropped: what this says must change what goes."""

    def observe(self, activation):
        return -activation.abs().flatten(2).mean(2).sum(0, dtype=torch.float64) \\
            if activation.ndim > 2 else -activation.abs().sum(0, dtype=torch.float64)

    def layer_importance(self, layer):
        return layer.observed


class Mine(Disagreement):
    """Disagreement by another name."""


@dataclass(kw_only=True)
class LastOnes(SelectionMethod):
    """The last S of the pool."""

    def search(self, problem):
        team = np.arange(problem.members)[None, -problem.size :]
        levels = [looked_at(problem, team)]
        return Search(most_accurate(problem, levels), tuple(levels))


def make(num_classes, input_shape):
    size = int(np.prod(input_shape))
    return nn.Sequential(nn.Flatten(), nn.Linear(size, 9), nn.ReLU(), nn.Linear(9, num_classes))


class Idle(SelectionMethod):
    """It finds nothing."""


class Silent(Score):
    """It says nothing."""


ONE = LastOnes(size=2)
NUMBER = 3
'''


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the module in it, which nothing but being there leads to."""
    (tmp_path / "own_parts.py").write_text(MODULE)
    (tmp_path / "broken_parts.py").write_text("undefined_thing")
    write_images(tmp_path / "tiny.npz")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.path", [place for place in sys.path if place not in ("", ".")])
    monkeypatch.delitem(sys.modules, "own_parts", raising=False)
    return tmp_path


TINY = [
    "--data", "tiny.npz", "--m", "4", "--s", "2", "--epochs", "1", "--rounds", "1",
    "--backend", "sequential",  # workers of an earlier test would stand in its folder
]  # fmt: skip


def test_every_kind_is_found_by_module_and_name(here: Path) -> None:
    own = ["--metric", "own_parts:Weakest", "--method", "own_parts:LastOnes"]
    assert run(["build", *TINY, *own, "--arch", "own_parts:make", "--out", "run"]) == 0
    chosen = json.loads((here / "run" / "selection.json").read_text())
    assert chosen["method"] == "own_parts:LastOnes"
    assert [name[:2] for name in chosen["team"]] == ["02", "03"]
    words = ["--method", "hq", "--measure", "own_parts:Mine"]
    assert run(["select", "run", *words, "--out", "again"]) == 0
    assert run(["select", "run", "--method", "hq", "--measure", "disagreement", "--out", "b"]) == 0
    teams = [
        json.loads((here / out / "selection.json").read_text())["team"] for out in ("again", "b")
    ]
    assert teams[0] == teams[1]
    assert run(["compare", "run"]) == 0


def test_a_run_is_read_without_its_authors_code(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["build", *TINY, "--method", "own_parts:LastOnes", "--out", "run"]) == 0
    (here / "own_parts.py").write_text("raise SystemExit('run')")
    monkeypatch.delitem(sys.modules, "own_parts")
    assert run(["compare", "run"]) == 0
    assert run(["select", "run", "--method", "soft", "--out", "again"]) == 0


def test_a_score_of_ones_own_decides_what_goes(here: Path) -> None:
    own = ["--arch", "own_parts:make", "--kappa", "0"]
    for metric, out in (("own_parts:Weakest", "a"), ("maximum", "b"), ("minimum", "c")):
        assert run(["build", *TINY, *own, "--metric", metric, "--out", out]) == 0
    masks = [
        [(here / out / "members" / f"{k:03d}" / "round-1.safetensors").read_bytes()
         for k in range(4)] for out in "abc"
    ]  # fmt: skip
    assert masks[0] == masks[1] != masks[2]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--metric", "own_parts:Nothing"], "importance score 'own_parts:Nothing' cannot be"),
        (["--metric", "own_parts:NUMBER"], "does not derive from pruning.scores.score.Score"),
        (["--metric", "nowhere:Score_layer"], "importance score 'nowhere:Score' cannot be"),
        (["--method", "own_parts.py:LastOnes"], "did you mean 'own_parts:LastOnes'?"),
        (["--method", "own_parts:Mine"], "does not derive from"),
        (["--method", "own_parts:Idle"], "'own_parts:Idle' does not say: search"),
        (["--method", "own_parts:ONE"], "'own_parts:ONE' is no class"),
        (["--method", "./own_parts.py:LastOnes"], "did you mean 'own_parts:LastOnes'?"),
        (["--method", ":LastOnes"], "is not module:name"),
        (["--metric", "own_parts:Silent"], "Silent needs a layer_importance"),
        (["--metric", "broken_parts:Score"], "broken_parts fails when imported, NameError"),
        (["--method", "hq", "--measure", "own_parts:LastOnes"], "does not derive from"),
    ],
)
def test_what_cannot_be_is_said_before_training(
    here: Path, capsys: pytest.CaptureFixture[str], words: list[str], says: str
) -> None:
    assert run(["build", *TINY, *words, "--out", "run"]) == 2
    err = capsys.readouterr().err
    assert says in err
    assert err.count("\n") == 1, err
    assert not (here / "run" / "members").exists()
