"""A score of the user's own that fails, or gives what cannot be ranked, is refused in a line."""

import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from pipelines.build import build
from pipelines.run.config import BuildConfig
from pruning.core.errors import RequestError
from pruning.data.splits import Splits
from pruning.scores.own import OwnScore
from pruning.scores.score import Layer, Score, UnitView
from pruning.scores.scoring import importance
from pruning.scores.sweep import parse_metric

NETWORK = nn.Sequential(nn.Linear(4, 6), nn.ReLU(), nn.Linear(6, 3))
ROWS = np.random.default_rng(0).normal(size=(20, 4)).astype(np.float32)

OWN = """
import torch
from pruning.scores.score import Score
from pruning.scores.minimum import Minimum

class Good(Minimum):
    pass

class Scalar(Score):
    def observe(self, activation):
        return activation.abs().sum()
    def layer_importance(self, layer):
        return layer.observed

class Nan(Minimum):
    def layer_importance(self, layer):
        return layer.observed * float("nan")

class Raises(Score):
    def layer_importance(self, layer):
        return layer.module.nothing

class Short(Score):
    def importance(self, units):
        return torch.ones(units.size - 1)

class Listed(Score):
    def importance(self, units):
        return [1.0] * units.size

class WantsWords(Minimum):
    def __init__(self, words):
        self.words = words
"""

REFUSED = {
    "Scalar": r"observe gives a tensor of shape \(\) .* a row for each of its \d+ channels",
    "Nan": r"gives NaN or infinity for \d+ of the \d+ units of layer",
    "Raises": r"importance fails, AttributeError: .*nothing.* \(line 21 of my_scores.py\)",
    "Short": r"gives a tensor of shape \(\d+,\) for the \d+ units",
    "Listed": r"gives a value of type list for the \d+ units",
    "WantsWords": "making one of it fails, TypeError",
}


@pytest.fixture
def mine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    (tmp_path / "my_scores.py").write_text(OWN)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    yield "my_scores"
    sys.modules.pop("my_scores", None)


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_ranked_is_a_line_that_names_the_metric(mine: str, name: str) -> None:
    with pytest.raises(RequestError, match=f"^metric '{mine}:{name}'.*{REFUSED[name]}") as error:
        importance(NETWORK, ROWS, f"{mine}:{name}")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("name", REFUSED)
def test_a_build_refuses_it_before_training(mine: str, name: str, tmp_path: Path) -> None:
    labels = np.arange(60) % 3
    rows = np.random.default_rng(1).normal(size=(60, 4)) + labels[:, None]
    splits, out = Splits.from_arrays(rows, labels), tmp_path / "run"
    config = BuildConfig.of(m=2, s=1, arch="mlp-a:4-4", metric=f"{mine}:{name}", epochs=1)
    with pytest.raises(RequestError, match=f"metric '{mine}:{name}'"):
        build(config, splits, out=out)
    assert not out.exists()


def test_a_good_one_gives_what_it_gives_unchecked(mine: str) -> None:
    found, known = (importance(NETWORK, ROWS, name) for name in (f"{mine}:Good", "minimum"))
    assert torch.equal(found["0"], known["0"])


def test_one_that_is_handed_over_is_checked_too() -> None:
    class Nothing(Score):
        def importance(self, units: UnitView) -> Tensor:
            return torch.full((units.size,), torch.inf)

    with pytest.raises(RequestError, match="metric 'Nothing' gives NaN or infinity for 6 of the 6"):
        importance(NETWORK, ROWS, Nothing())


def test_gradients_are_observed_where_the_score_asks_for_them(mine: str) -> None:
    class Steep(Score):
        def observe_gradient(self, activation: Tensor, gradient: Tensor) -> Tensor:
            return gradient.abs().sum(0).double()

        def layer_importance(self, layer: Layer) -> Tensor:
            return layer.observed

    guarded = OwnScore(Steep(), "steep")
    assert (guarded.needs_sweep, guarded.needs_gradient) == (True, True)
    assert importance(NETWORK, ROWS, Steep(), np.arange(20) % 3)["0"].shape == (6,)


def test_a_metric_that_is_not_there_is_no_architectures_fault(mine: str) -> None:
    config = BuildConfig.of(m=2, s=1, arch="mlp-a:4-4", metric=f"{mine}:nix")
    splits = Splits.from_arrays(np.random.default_rng(1).normal(size=(60, 4)), np.arange(60) % 3)
    with pytest.raises(RequestError, match=r"^importance score 'my_scores:nix' cannot be imported"):
        build(config, splits)


def test_the_published_form_is_checked_too(mine: str) -> None:
    score, per_layer = parse_metric(f"{mine}:Good_layer")
    assert per_layer
    assert isinstance(score.as_published(), OwnScore)
