"""A build that writes nothing is the build on disk: same team, same weights, same comparison."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from pipeline_support import directory, tiny_config, write_images

from pipelines.build.built import Built, read_built
from pipelines.build.story import build
from pipelines.commands.cli import run as command
from pipelines.compare.of_build import compare
from pipelines.run.config import BuildConfig, DataConfig, SelectionConfig
from pipelines.run.resources import Placement
from pruning.core.errors import RequestError
from pruning.data.load import load_splits
from pruning.data.splits import Splits


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_images(tmp_path_factory.mktemp("data") / "tiny.npz")


@pytest.fixture(scope="module")
def splits(data: Path) -> Splits:
    return load_splits(str(data), seed=0).splits


@pytest.fixture(scope="module")
def in_memory(data: Path) -> Built:
    return build(tiny_config(data), control=True, small_team=True)


@pytest.fixture(scope="module")
def on_disk(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Built:
    out = tmp_path_factory.mktemp("runs") / "run"
    return build(tiny_config(data), out=out, control=True, small_team=True)


def _same_networks(one: Built, other: Built) -> bool:
    """Whether two builds have the same rounds with the same weights and masks."""
    pairs = zip(one.members, other.members, strict=True)
    return all(
        (a.run, a.round, a.epochs) == (b.run, b.round, b.epochs)
        and _equal(a.network.state_dict(), b.network.state_dict())
        and _equal(dict(a.masks), dict(b.masks))
        for a, b in pairs
    )


def _equal(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(v, other[k]) for k, v in one.items())


def test_it_is_the_build_on_disk(in_memory: Built, on_disk: Built) -> None:
    assert in_memory.path is None and on_disk.path is not None
    assert in_memory.selection.to_json() == on_disk.selection.to_json()
    assert in_memory.records == on_disk.records
    assert _same_networks(in_memory, on_disk)
    assert np.array_equal(in_memory.predictions.probabilities, on_disk.predictions.probabilities)
    assert in_memory.pool.member_ids == in_memory.selection.pool
    images = in_memory.splits.test.images
    voted = [built.ensemble.predict_proba(images) for built in (in_memory, on_disk)]
    assert np.array_equal(*voted)


def test_its_comparison_is_that_of_the_run_on_disk(in_memory: Built, on_disk: Built) -> None:
    read = compare(read_built(directory(on_disk)))
    found = compare(in_memory)
    pd.testing.assert_frame_equal(found.table, read.table)
    assert {"control", "small_team"} <= set(found.table["contender"])
    assert found.command == read.command
    again = compare(in_memory, seed=1)
    assert again.selected.accuracy.value == found.selected.accuracy.value


def test_the_test_set_is_predicted_once(in_memory: Built, monkeypatch: pytest.MonkeyPatch) -> None:
    compare(in_memory)

    def refuse(*args: object, **kwargs: object) -> None:
        raise AssertionError("predicted again")

    monkeypatch.setattr("pipelines.build.predicting.predict_probabilities", refuse)
    monkeypatch.setattr("pipelines.compare.forms.predict_probabilities", refuse)
    compare(in_memory)


def test_nothing_is_written(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: object, **kwargs: object) -> Iterator[None]:
        raise AssertionError("written")

    monkeypatch.chdir(tmp_path)
    for name in ("write_bytes", "write_text", "mkdir", "touch"):
        monkeypatch.setattr(Path, name, refuse)
    monkeypatch.setattr("ensemble.storage.sealed.os.fsync", refuse)
    monkeypatch.setattr("tempfile.mkdtemp", refuse)
    compare(build(tiny_config(data, m=2)))
    assert not list(tmp_path.iterdir())


def test_workers_bring_their_members_back(in_memory: Built, data: Path) -> None:
    config = tiny_config(data, engine="loop")
    with_workers = build(config, placement=Placement(jobs=2))
    alone = build(config)
    assert with_workers.selection.team == alone.selection.team
    assert _same_networks(with_workers, alone)


def test_given_splits_are_the_data(
    in_memory: Built, data: Path, splits: Splits, tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    config = dataclasses.replace(tiny_config(data), data=DataConfig())
    given = build(config, splits)
    assert _same_networks(given, in_memory)
    assert given.splits is splits
    assert given.ensemble.description.provenance.data == "arrays"
    assert compare(given).command == ""
    out = tmp_path / "run"
    stored = build(config, splits, out)
    assert _same_networks(stored, given)
    pd.testing.assert_frame_equal(compare(stored).table, compare(given).table)
    assert command(["compare", str(out)]) == 2
    assert "was built from arrays, which it does not hold" in capsys.readouterr().err


def test_a_second_build_of_the_same_arrays_trains_nothing_and_other_arrays_are_refused(
    splits: Splits, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = dataclasses.replace(tiny_config(data, m=2), data=DataConfig())
    out = tmp_path / "run"
    first = build(config, splits, out)

    def refuse(*args: object) -> None:
        raise AssertionError("trained again")

    monkeypatch.setattr("pruning.dropnet.rounds.train", refuse)
    second = build(config, splits, out)
    assert second.earlier and not first.earlier
    assert second.selection.team == first.selection.team
    other = load_splits(str(data), seed=1).splits
    with pytest.raises(RequestError, match="the data is not what it was"):
        build(config, other, out)


def test_arrays_in_place_of_splits_are_told_how_to_become_some() -> None:
    with pytest.raises(RequestError, match=r"`splits` is a tuple; .*Splits\.from_arrays\(X, y\)"):
        build(BuildConfig(), ([[0.0]], [1]))  # type: ignore[arg-type]


def test_splits_and_a_named_data_set_are_one_too_many(data: Path, splits: Splits) -> None:
    with pytest.raises(RequestError, match=r"splits are given.*tiny\.npz.*give one of them"):
        build(tiny_config(data), splits)


@pytest.mark.parametrize("pool", ["pruned", "unpruned", "mixed", "rounds"])
def test_every_pool_can_be_chosen_from(data: Path, pool: str) -> None:
    chosen = SelectionConfig(size=2, pool=pool, method="top")  # type: ignore[arg-type]
    built = build(tiny_config(data, m=2, selection=chosen))
    assert set(built.pool.member_ids) <= {record.id for record in built.records}
    assert [record.id for record in built.team] == list(built.selection.team)
    if pool == "rounds":
        assert len(built.pool) == len(built.records)


def test_what_is_done_to_a_network_that_was_handed_out_stays_there(data: Path) -> None:
    built = build(tiny_config(data, m=2))
    before = built.ensemble.predict_proba(built.splits.test.images)
    for member in built.members:
        for parameter in member.network.parameters():
            parameter.data.zero_()
    assert np.array_equal(built.ensemble.predict_proba(built.splits.test.images), before)
    assert all(any(p.any() for p in m.network.parameters()) for m in built.members)
