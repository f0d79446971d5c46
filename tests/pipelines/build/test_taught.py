"""Builds whose pruned networks are taught: the same bytes by any way, and what is refused."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
from pipeline_support import TINY_OPTIONS, fails, tiny_config, write_images

from pipelines.build.built import Built
from pipelines.build.clusters.task import RoundTask, train_round, trained_on
from pipelines.build.group_training import teachers
from pipelines.build.story import build
from pipelines.run.config import BuildConfig
from pipelines.run.directory import RunDirectory
from pipelines.run.records import RunHistory
from pipelines.run.resources import Placement
from pruning.data.load import load_splits
from pruning.dropnet import Member
from pruning.dropnet.teaching import Teaching

ARCHS = ("mlp-a:8-6", "conv-b:3-4")


TAUGHT = pytest.mark.parametrize(
    "teaching",
    [Teaching("own"), Teaching("ensemble"), Teaching("ensemble", perturb=0.1)],
    ids=["own", "ensemble", "ensemble, perturbed"],
)


def _config(data: Path, teaching: Teaching) -> BuildConfig:
    config = tiny_config(data, archs=ARCHS)
    dropnet = dataclasses.replace(config.dropnet, teaching=teaching)
    return dataclasses.replace(config, dropnet=dropnet)


def _members(built: Built) -> dict[str, bytes]:
    assert built.path is not None
    return {
        str(file.relative_to(built.path)): file.read_bytes()
        for file in sorted((built.path / "members").rglob("round-*.safetensors"))
    }


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_images(tmp_path_factory.mktemp("data") / "tiny.npz")


@TAUGHT
def test_a_stopped_build_goes_on_with_its_teachers(
    teaching: Teaching, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = _config(data, teaching)
    whole = build(config, out=tmp_path / "whole")
    untaught = build(_config(data, Teaching()), out=tmp_path / "untaught")
    for name, found in _members(whole).items():
        assert (found == _members(untaught)[name]) == ("round-0" in name), name
    keep, kept = RunDirectory.keep_round, []

    def stop(self: RunDirectory, member: Member, earlier: RunHistory | None) -> RunHistory:
        if len(kept) == stop_after:
            raise KeyboardInterrupt
        kept.append(member.run)
        return keep(self, member, earlier)

    for stop_after in (3, 6, 9):
        kept.clear()
        with monkeypatch.context() as patched:
            patched.setattr(RunDirectory, "keep_round", stop)
            with pytest.raises(KeyboardInterrupt):
                build(config, out=tmp_path / str(stop_after))
        resumed = build(config, out=tmp_path / str(stop_after))
        assert _members(resumed) == _members(whole)


@pytest.mark.slow
@TAUGHT
def test_another_number_of_jobs_teaches_alike(
    teaching: Teaching, data: Path, tmp_path: Path
) -> None:
    config = _config(data, teaching)
    one = build(config, out=tmp_path / "one", placement=Placement(jobs=1))
    two = build(config, out=tmp_path / "two", placement=Placement(jobs=2))
    assert _members(one) == _members(two)


@TAUGHT
def test_a_worker_of_a_cluster_is_sent_the_teachers(
    teaching: Teaching, data: Path, tmp_path: Path
) -> None:
    built = build(_config(data, teaching), out=tmp_path / "run")
    resolved, histories = built.store.resolved, built.histories
    splits = load_splits(str(data), seed=resolved.config.seed).splits
    unpruned = [history.rounds[0] for history in histories]
    for group in resolved.groups:
        own = [h for h in histories if h.run in group.runs.numbers]
        start = [history.rounds[1] for history in own]
        taught = RoundTask.of(resolved, group, start, teachers(resolved, own, unpruned))
        assert taught.name != RoundTask.of(resolved, group, start).name
        result = train_round(taught, trained_on(splits))
        for record, history in zip(result.records, own, strict=True):
            ours, kept = record.load().network, history.rounds[2].load().network
            for key, value in kept.state_dict().items():
                assert ours.state_dict()[key].equal(value), key


def test_nobody_teaches_what_is_merged(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("--data", str(data), "--out", str(tmp_path / "run"), "--teacher", "own")
    options = ("--m", "3", "--s", "2", "--arch", "mlp-a:8-6", "--epochs", "2")
    line = fails(capsys, "build", *options, *words, "--pruner", "datafree")
    assert "--pruner 'datafree' does not use --teacher" in line
    line = fails(capsys, "build", *TINY_OPTIONS, *words[:-1], "all")
    assert "unknown teacher 'all'" in line
    line = fails(capsys, "build", *TINY_OPTIONS, *words[:-2], "--perturb", "0.1")
    assert "--perturb 0.1 moves samples for a teacher, and there is none; leave it out" in line
    assert not (tmp_path / "run").exists()
