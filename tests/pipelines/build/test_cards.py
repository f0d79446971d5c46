"""Groups on several cards: a build on three stand-ins that are the processor under other names."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pipeline_support import directory, tiny_config, write_images

from pipelines.build import controls, group_training, predicting
from pipelines.build.built import Built
from pipelines.build.device import Devices
from pipelines.build.placement import dealt
from pipelines.build.story import build
from pipelines.compare import forms
from pipelines.compare.of_build import compare
from pipelines.run.config import BuildConfig, SelectionConfig
from pipelines.run.directory import RunDirectory
from pipelines.run.plan import Group, plan_groups
from pipelines.run.resources import Placement
from pruning.core.errors import RequestError
from pruning.dropnet import Runs
from pruning.training.engines.engine import ENGINES

HERE = Placement(backend="sequential")
"""One card's groups after the other's, in this process."""


@pytest.fixture
def cards(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Let this machine have three cards, each of them the processor."""
    listed = ["cpu", "cpu", "cpu"]
    monkeypatch.setattr("pipelines.build.device.list_cards", lambda: tuple(listed))
    return listed


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return write_images(tmp_path / "tiny.npz")


def _files(built: Built) -> dict[str, bytes]:
    assert built.path is not None
    return {
        str(file.relative_to(built.path)): file.read_bytes()
        for file in built.path.rglob("*")
        if file.suffix in (".safetensors", ".npz")
    }


def test_three_cards_share_the_runs_and_make_what_one_makes_of_the_same_groups(
    cards: list[str], data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = tiny_config(data, device="cuda")
    three = build(config, out=tmp_path / "three")
    resolved = directory(three).resolved
    assert resolved.device == "cuda"
    assert [group.runs.numbers for group in resolved.groups] == [(0, 1), (2,), (3,)]
    monkeypatch.setattr("pipelines.build.resolving.plan_groups", lambda *_, **__: resolved.groups)
    one = build(tiny_config(data, device="cuda:2"), out=tmp_path / "one")
    assert directory(one).config_file.read_bytes() == directory(three).config_file.read_bytes()
    assert _files(one) == _files(three)


@pytest.mark.parametrize("there", [1, 2])
def test_a_run_goes_on_on_other_cards_in_the_groups_it_began_with(
    there: int, cards: list[str], data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = build(tiny_config(data, device="cuda"), out=tmp_path / "whole")
    with monkeypatch.context() as stopping:
        _stop_after(5, stopping)
        with pytest.raises(KeyboardInterrupt):
            build(tiny_config(data, device="cuda:0,1,2"), out=tmp_path / "run", placement=HERE)
    del cards[there:]
    for asked in ("auto", "cuda:0"):
        gone_on = build(tiny_config(data, device=asked), out=tmp_path / "run")
        assert _files(gone_on) == _files(whole)
    with pytest.raises(RequestError, match="`device`: cpu asked, cuda there"):
        build(tiny_config(data, device="cpu"), out=tmp_path / "run")
    cards.clear()
    with pytest.raises(RequestError, match="this run trains on CUDA, and no CUDA device is here"):
        build(tiny_config(data), out=tmp_path / "run")


@pytest.mark.parametrize("stopped", ["interrupted", "by a time limit"])
def test_a_run_does_not_go_on_on_a_card_that_is_too_old_for_its_engine(
    stopped: str, cards: list[str], data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = tiny_config(data, device="cuda")
    if stopped == "interrupted":
        with monkeypatch.context() as stopping:
            _stop_after(2, stopping)
            with pytest.raises(KeyboardInterrupt):
                build(config, out=tmp_path / "run", placement=HERE)
    else:
        build(config, out=tmp_path / "run", placement=dataclasses.replace(HERE, time_limit=1e-9))
    planned = RunDirectory(tmp_path / "run").resolved.groups[0].engine
    with monkeypatch.context() as older:
        older.setattr("pipelines.build.resolving.plan_groups", lambda *_, **__: ())
        older.setattr(ENGINES[planned], "obstacle", lambda network, device: "needs a newer card")
        with pytest.raises(RequestError, match=f"by '{planned}', which needs a newer card; go on"):
            build(config, out=tmp_path / "run")
    assert len(build(config, out=tmp_path / "run", placement=HERE).histories) == 4


def _stop_after(rounds: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Interrupt a build in this process when so many rounds of single runs have been kept."""
    keep, kept = RunDirectory.keep_round, []

    def keep_then_stop(self: RunDirectory, *args: Any) -> Any:
        if len(kept) == rounds:
            raise KeyboardInterrupt
        kept.append(args)
        return keep(self, *args)

    monkeypatch.setattr(RunDirectory, "keep_round", keep_then_stop)


def test_each_card_trains_its_groups_in_order_and_the_first_does_the_rest(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Which names reach training, predictions and the control; all of them the processor's."""
    names = ("cpu:0", "cpu:1")
    monkeypatch.setattr("pipelines.build.device.list_cards", lambda: names)
    trained: list[object] = []
    elsewhere: list[object] = []
    dropnet, train_control = group_training.dropnet, controls.train_control
    predict = predicting.predict_probabilities

    def training(runs: Runs, *args: Any, device: str, **named: Any) -> Any:
        trained.append((device, runs.numbers))
        return dropnet(runs, *args, device=device, **named)

    def predicting_on(*args: Any, device: str) -> Any:
        elsewhere.append(device)
        return predict(*args, device=device)

    def control_on(*args: Any, checkpoints: None) -> Any:
        elsewhere.append(args[-1])
        return train_control(*args)

    monkeypatch.setattr(group_training, "dropnet", training)
    monkeypatch.setattr(predicting, "predict_probabilities", predicting_on)
    monkeypatch.setattr(forms, "predict_probabilities", predicting_on)
    monkeypatch.setattr(controls, "train_control", control_on)
    archs, named = ("conv-b:2-2",), "cuda:1,0"
    config = tiny_config(data, m=5, archs=archs, device=named, engine="loop")
    built = build(config, placement=HERE, control=True)
    assert trained == [
        ("cpu:1", (0,)), ("cpu:1", (2,)), ("cpu:1", (4,)), ("cpu:0", (1,)), ("cpu:0", (3,)),
    ]  # fmt: skip
    compare(built)
    assert set(elsewhere) == {"cpu:1"}
    # The select part: 5 unpruned and 5 pruned; the control; then all 11 on the test part, and
    # the control on the select part.
    assert len(elsewhere) == 10 + 1 + 11 + 1


sizes = st.lists(st.integers(1, 64), min_size=1, max_size=40)


@given(sizes, st.integers(1, 9))
def test_groups_are_dealt_whole_each_once_and_about_evenly(sizes: list[int], count: int) -> None:
    tasks = [(Group(Runs("mlp-a", *[tuple(range(n))] * 2), "stacked"), ()) for n in sizes]
    shares = dealt(tasks, Devices("cuda", tuple(f"cuda:{k}" for k in range(count))).names)
    assert len(shares) == min(count, len(sizes))
    assert sum(len(share) for _, share in shares) == len(sizes)
    assert all(any(task is one for _, share in shares for one in share) for task in tasks)
    runs = [sum(len(group.runs.numbers) for group, _ in share) for _, share in shares]
    assert max(runs) - min(runs) <= max(sizes)


@given(m=st.integers(1, 200), cards=st.integers(1, 9), mixed=st.booleans())
def test_every_card_has_a_group_of_every_architecture_with_enough_runs(
    m: int, cards: int, mixed: bool
) -> None:
    archs = ("mlp-a:3", "conv-b:2-2")[: 1 + (mixed and m > 1)]
    config = BuildConfig(m=m, archs=archs, selection=SelectionConfig(size=1))
    groups = plan_groups(config, 3, (1, 8, 8), "cuda", cards, samples=300)
    assert sorted(n for group in groups for n in group.runs.numbers) == list(range(m))
    for offset, arch in enumerate(archs):
        own = [group for group in groups if group.runs.arch == arch]
        runs = len(range(offset, m, len(archs)))
        for group in own:
            most = min(-(-runs // cards), ENGINES[group.engine].group_size("cuda"))
            assert len(group.runs.numbers) <= most
        assert len(own) >= min(cards, runs)
        if cards > 1 and runs >= cards:
            assert len(own) % cards == 0 or len(own) == runs, "no card waits for another's last"


@pytest.mark.parametrize("device", ["auto", "cuda", "cpu"])
def test_auto_leaves_small_work_to_the_processor_and_says_so(
    device: str, cards: list[str], data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []
    built = build(tiny_config(data, device=device), placement=HERE, tell=told.append)
    assert built.store.resolved.device == ("cuda" if device == "cuda" else "cpu")
    assert any("on the processor" in line for line in told) == (device == "auto")
    monkeypatch.setattr("pipelines.run.small_work.MOST", 0.0)
    told.clear()
    larger = build(tiny_config(data, device=device), placement=HERE, tell=told.append)
    assert larger.store.resolved.device == ("cpu" if device == "cpu" else "cuda")
    assert not any("on the processor" in line for line in told)


def test_a_run_goes_on_under_any_name_of_the_device_it_began_on(data: Path, tmp_path: Path) -> None:
    began = build(tiny_config(data), out=tmp_path / "run")
    assert build(tiny_config(data, device="cpu"), out=tmp_path / "run").earlier
    assert directory(began).resolved.config.device == "auto", "what was asked first is kept"
