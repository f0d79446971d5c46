"""What a build will take, before it trains: counted by hand, and with nothing written."""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path

import pytest
import torch
from pipeline_support import TINY_OPTIONS, tiny_config, write_images

from pipelines.build import estimate as module
from pipelines.build.estimate import EPOCHS, Pace, estimate, measured
from pipelines.build.preparing import Prepared, prepare
from pipelines.build.story import build
from pipelines.commands.cli import run
from pipelines.run.config import BuildConfig
from pipelines.run.opening import open_run
from pipelines.run.plan import Group
from pipelines.run.resources import Placement
from pipelines.run.store import Memory
from pruning.core.stages import Stages
from pruning.dropnet import DropNet
from pruning.inference.cost import count_cost
from pruning.networks.architecture import build_network
from pruning.training.recipe import Recipe

ONE = Placement(jobs=1)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return write_images(tmp_path / "tiny.npz")


def _ready(config: BuildConfig, out: Path | None = None) -> Prepared:
    return prepare(
        config, None, lambda resolved: open_run(out, resolved) if out else Memory(resolved),
        begins=True, controls=(), tell=lambda _: None, stages=Stages(),
    )  # fmt: skip


def _pace(group: Group, *_: object) -> Pace:
    """Ten steps of a second an epoch for a group of any size; 4 epochs, later 3."""
    return Pace(group, 2, 1.0, 10, 4, 3, False, 0, 0)


def test_groups_in_this_process_train_one_after_another(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "measured", _pace)
    ready = _ready(tiny_config(data, dropnet=SETTINGS, engine="loop"))
    one = estimate(ready, ONE)
    here = estimate(ready, Placement(backend="sequential"))
    assert (here.at_a_time, here.seconds) == (1, one.seconds)


SETTINGS = DropNet(rounds=1, kappa=0.0, keep=0.0, recipe=Recipe(max_epochs=2))


def test_the_time_is_that_of_all_rounds_by_hand(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "measured", _pace)
    config = tiny_config(data, dropnet=SETTINGS)
    found = estimate(_ready(config), ONE)
    # round 0: 4 epochs of 10 s; round 1: 3 epochs with 0.8 of the units, (0.64 + 0.25) / 1.25
    assert found.seconds == pytest.approx(40 + 30 * 0.712)
    assert found.rounds == 1
    two = estimate(_ready(dataclasses.replace(config, archs=("mlp-a:8-6", "mlp-a:6-4"))), ONE)
    assert two.seconds == pytest.approx(2 * found.seconds)
    assert two.counts == {"mlp-a:8-6": 2, "mlp-a:6-4": 2}
    build(config, out=tmp_path / "run")
    assert estimate(_ready(config, tmp_path / "run"), ONE).seconds == 0


def test_runs_that_have_ended_take_no_more_time(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "measured", _pace)
    config = tiny_config(data, dropnet=dataclasses.replace(SETTINGS, rounds=3, kappa=1.0))
    out = tmp_path / "run"
    ended = build(config, out=out)
    assert len({len(history.rounds) for history in ended.histories}) > 1
    assert not ended.cut
    assert estimate(_ready(config, out), ONE).seconds == 0
    (out / "selection.json").unlink()
    assert estimate(_ready(config, out), ONE).seconds == 0, "the choice alone is left"


def test_groups_side_by_side_take_as_long_as_the_longest_job(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "measured", _pace)
    monkeypatch.setattr("pipelines.run.resources.usable_cores", lambda: 2)
    archs = ("mlp-a:8-6", "mlp-a:6-4", "mlp-a:5-4")
    ready = _ready(tiny_config(data, m=3, archs=archs, dropnet=SETTINGS))
    alone, beside = estimate(ready, ONE), estimate(ready, Placement(jobs=2))
    assert (alone.at_a_time, beside.at_a_time) == (1, 2)
    assert beside.seconds == pytest.approx(alone.seconds * 2 / 3)


@pytest.mark.parametrize("arch", ["mlp-a:8-6", "conv-b:2-2"])
def test_a_measurement_is_of_few_steps_and_leaves_no_trace(arch: str, data: Path) -> None:
    recipe = Recipe(max_epochs=5, batch_size=16, optimizer="adamw")
    ready = _ready(tiny_config(data, archs=(arch,), dropnet=DropNet(rounds=1, recipe=recipe)))
    group = ready.store.resolved.groups[0]
    state = torch.get_rng_state()
    pace = measured(group, ready.store.resolved, ready.splits, "cpu")
    assert torch.equal(torch.get_rng_state(), state)
    assert 2 <= pace.steps <= pace.epoch_steps == 9  # 144 samples in batches of 16
    assert (pace.epochs, pace.later_epochs) == (5, 4)
    assert 0 < pace.step_seconds < 60 / EPOCHS
    network = build_network(arch, len(ready.splits.classes), ready.splits.input_shape, 0)
    parameters = sum(tensor.numel() for tensor in network.parameters())
    # weights, gradients and Adam's two means, of float32
    assert pace.training_bytes == 4 * 4 * parameters * len(group.runs.numbers)
    assert pace.peak_bytes > 10**7


@pytest.mark.parametrize("batch", [144, 100, 16])
def test_a_step_takes_as_long_whatever_an_epoch_has_of_them(
    batch: int, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        module, "_epoch_seconds", lambda short, steps: 1.0 * min(steps, short.steps)
    )
    recipe = Recipe(max_epochs=5, batch_size=batch)
    ready = _ready(tiny_config(data, dropnet=DropNet(rounds=1, recipe=recipe)))
    pace = measured(ready.store.resolved.groups[0], ready.store.resolved, ready.splits, "cpu")
    assert pace.step_seconds == 1.0


def _said(capsys: pytest.CaptureFixture[str]) -> str:
    return " ".join(capsys.readouterr().out.replace("\u202f", "").split())


def test_a_dry_run_says_what_comes_and_writes_nothing(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    words = ["build", *TINY_OPTIONS, "--data", str(data)]
    before = set(tmp_path.rglob("*"))
    assert run([*words, "--dry-run"]) == 0
    assert set(tmp_path.rglob("*")) == before
    said = _said(capsys)
    ready = _ready(tiny_config(data))
    cost = count_cost(build_network("mlp-a:8-6", 3, ready.splits.input_shape, 0), (1, 4, 4))
    for part in (
        "train 144, val 24, select 36, test 36",
        f"4 of mlp-a:8-6: each {cost.flops} FLOPs a sample, {cost.params} parameters",
        "an estimate for the training alone, from measured steps of round 0",
        "not counted are early stops",
        "would be made; a dry run writes nothing",
    ):
        assert part in said
    assert run([*words, "--out", "run"]) == 0
    capsys.readouterr()
    files = {path: path.read_bytes() for path in Path("run").rglob("*") if path.is_file()}
    assert run([*words, "--out", "run", "--dry-run"]) == 0
    assert "nothing is left to train" in _said(capsys)
    assert {path: path.read_bytes() for path in Path("run").rglob("*") if path.is_file()} == files


@pytest.mark.parametrize("how", ["cut", "a member deleted"])
def test_a_chosen_run_of_which_something_is_left_to_train_is_not_said_to_be_done(
    how: str, data: Path, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    words = ["build", *TINY_OPTIONS, "--data", str(data), "--out", "run"]
    limit = Placement(jobs=1, time_limit=1e-9 if how == "cut" else None)
    build(tiny_config(data), out=Path("run"), placement=limit)
    if how != "cut":
        shutil.rmtree("run/members/002")
    assert estimate(_ready(tiny_config(data), Path("run")), ONE).seconds > 0
    assert run([*words, "--dry-run"]) == 0
    said = _said(capsys)
    assert "nothing is left to train" not in said
    assert "an estimate for the training alone" in said


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--profile", "t.json"], "--profile writes a trace, and --dry-run writes nothing"),
        (["--arch", "vgg16"], "vgg16 needs images of at least 32×32"),
        (["--s", "9"], "--s 9 is more than the 4 networks of --m 4"),
        (["--data", "nosuch"], "unknown data set 'nosuch'"),
        (["--out", "."], "exists and is not a run; give a new or empty folder"),
    ],
)
def test_what_a_build_refuses_a_dry_run_refuses(
    words: list[str], said: str, data: Path, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    assert run(["build", *TINY_OPTIONS, "--data", str(data), *words, "--dry-run"]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert said in err
    assert err.splitlines()[-1].startswith("ensemble: ")
    assert not (tmp_path / "t.json").exists()
