"""Networks and functions that make one, in place of an architecture's name."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from pipeline_support import tiny_config, write_images
from pruning_support import blobs
from torch import nn

import ensemble
from pipelines.build.story import build
from pipelines.compare.of_build import compare
from pipelines.run.config import BuildConfig
from pipelines.run.resources import Placement
from pruning.core.errors import ForeignCodeError, RequestError


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_images(tmp_path_factory.mktemp("data") / "tiny.npz")


def _network(width: int = 8) -> nn.Sequential:
    return nn.Sequential(nn.Flatten(), nn.Linear(16, width), nn.ReLU(), nn.Linear(width, 3))


def _make(num_classes: int, input_shape: tuple[int, ...]) -> nn.Module:
    return _network(6)


def test_a_network_is_every_runs_start_and_is_left_as_it_is(data: Path) -> None:
    network = _network()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    built = build(tiny_config(data, m=2, archs=(network,)), control=True)
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
    assert {record.arch for record in built.records} == {"Sequential"}
    assert all(last.remaining < 1 for last in (h.rounds[-1] for h in built.histories))
    images = built.splits.test.images
    assert built.ensemble.predict_proba(images).shape == (len(images), 3)
    comparison = compare(built)
    assert "control" in set(comparison.table["contender"])
    assert comparison.command == ""


def test_networks_functions_and_names_make_a_mixed_pool(data: Path) -> None:
    config = tiny_config(data, m=4, archs=(_network(), _make, "mlp-a:5-4", _network(5)))
    built = build(config)
    archs = [history.arch for history in built.histories]
    assert archs == ["Sequential", "_make", "mlp-a:5-4", "Sequential"]
    widths = [tuple(full for _, full in h.rounds[0].widths.values()) for h in built.histories]
    assert widths == [(8,), (6,), (5, 4), (5,)]


def test_workers_take_networks_too(data: Path) -> None:
    config = tiny_config(data, m=2, archs=(_network(), _network(6)))
    torch.manual_seed(0)
    alone, shared = build(config), build(config, placement=Placement(jobs=2))
    assert np.array_equal(alone.predictions.probabilities, shared.predictions.probabilities)


@pytest.mark.parametrize("arch", [_network(), _make], ids=["network", "function"])
def test_a_run_directory_holds_architectures_by_name(
    arch: object, data: Path, tmp_path: Path
) -> None:
    with pytest.raises(RequestError, match=r"is given itself; leave `out` away .* module:factory"):
        build(tiny_config(data, m=2, archs=(arch,)), out=tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_what_cannot_be_pruned_or_measured_is_said_in_a_line(data: Path) -> None:
    wrong = nn.Sequential(nn.Flatten(), nn.Linear(16, 4))
    with pytest.raises(RequestError, match=r"expected \(3,\), one logit for each class"):
        build(tiny_config(data, m=2, archs=(wrong,)))
    with pytest.raises(RequestError, match=r"`archs` 3: allowed .*or a function"):
        tiny_config(data, archs=(3,))
    built = build(tiny_config(data, m=2, archs=(_make,)))
    with pytest.raises(RequestError, match="cannot build '_make': it is given itself"):
        compare(built, measure=True)


class _Net(nn.Sequential):
    """A network whose class does not say how wide it is."""

    def __init__(self, width: int) -> None:
        super().__init__(nn.Flatten(), nn.Linear(16, width), nn.ReLU(), nn.Linear(width, 3))


@pytest.mark.parametrize("widths", [(4, 8), (8, 4), (4, 4)])
def test_a_saved_team_of_one_class_at_several_widths_loads(
    widths: tuple[int, int], tmp_path: Path
) -> None:
    splits = blobs()
    config = BuildConfig.of(
        m=4, s=4, arch=tuple(map(_Net, widths)), rounds=1, kappa=0.0, keep=0.0, epochs=3
    )
    model = build(config, splits).ensemble
    model.save(tmp_path / "team")
    names = ["_Net"] if widths[0] == widths[1] else ["_Net-1", "_Net-2"]
    made = {name: partial(_Net, width) for name, width in zip(names, widths, strict=False)}
    loaded = ensemble.load(tmp_path / "team", factories=made)
    images = splits.test.images
    np.testing.assert_array_equal(loaded.predict_proba(images), model.predict_proba(images))
    with pytest.raises(ForeignCodeError, match=f"{names[-1]!r}: make"):
        ensemble.load(tmp_path / "team", factories=dict(list(made.items())[:-1]))
