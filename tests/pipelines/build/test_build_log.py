"""``build.log``: where the time of a build went; a run is never read from it."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import torch
from pipeline_support import TINY_OPTIONS, directory, tiny_config, write_images

from pipelines.build.built import Built, read_built
from pipelines.build.logged import time_text
from pipelines.build.round_times import RoundClock
from pipelines.build.story import build
from pipelines.commands.cli import run
from pipelines.run.directory import RunDirectory
from pipelines.run.records import RunHistory
from pipelines.run.resources import Placement
from pruning.core.errors import RequestError
from pruning.dropnet import DropNet, Member
from pruning.dropnet.settings import Rewinding
from pruning.training.engines.engine import Evaluation
from pruning.training.engines.lane import EngineWarning
from pruning.training.engines.stacked import Stacked
from pruning.training.recipe import Recipe


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_images(tmp_path_factory.mktemp("data") / "tiny.npz")


@pytest.fixture(scope="module")
def built(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Built:
    return build(tiny_config(data), out=tmp_path_factory.mktemp("runs") / "first")


def _lines(built: Built | Path) -> list[dict[str, Any]]:
    path = built if isinstance(built, Path) else directory(built).log_file
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_it_says_what_began_every_round_and_the_end(built: Built) -> None:
    lines = _lines(built)
    assert [line["what"] for line in lines] == ["began", *["round"] * 3, "ended"]
    assert [line["time"] for line in lines] == sorted(line["time"] for line in lines)
    began = lines[0]
    assert began["versions"]["torch"] == torch.__version__
    assert list(began["devices"]) == ["cpu"]
    assert began["last_rounds"] == {}
    assert [line["round"] for line in lines[1:4]] == [0, 1, 2]
    assert all(line["runs"] == line["group"] == [0, 1, 2, 3] for line in lines[1:4])
    assert all(line["engine"] == "stacked" for line in lines[1:4])


def test_images_are_members_times_epochs_times_training_samples(built: Built) -> None:
    for line in _lines(built)[1:4]:
        epochs = [
            len(entry.epochs)
            for history in built.histories
            for entry in history.rounds
            if entry.round == line["round"]
        ]
        assert line["epochs"] == max(epochs)
        assert line["member_epochs"] == sum(epochs)
        assert line["images"] == sum(epochs) * built.splits.sizes["train"]
        rate = line["images"] / line["stages"]["training"]
        assert line["images_per_second"] == pytest.approx(rate, rel=0.05)


def test_stages_add_up_to_the_time_that_passed(data: Path, tmp_path: Path) -> None:
    begun = time.perf_counter()
    built = build(tiny_config(data), out=tmp_path / "run")
    passed = time.perf_counter() - begun
    lines = _lines(built)
    for line in lines[1:]:
        assert sum(line["stages"].values()) == pytest.approx(line["seconds"], abs=1e-6)
        assert all(seconds >= 0 for seconds in line["stages"].values())
    ended = lines[-1]
    assert sum(line["seconds"] for line in lines[1:-1]) <= ended["seconds"] <= passed
    assert ended["seconds"] >= 0.9 * passed
    assert sum(built.seconds.values()) == pytest.approx(ended["seconds"], abs=0.01)
    assert set(ended["stages"]) == {
        "data", "checks", "training", "scoring", "cutting", "predictions", "files", "selection",
        "waiting", "other",
    }  # fmt: skip
    for stage in ("training", "scoring", "cutting"):
        spent = sum(line["stages"].get(stage, 0.0) for line in lines[1:-1])
        assert ended["stages"][stage] == pytest.approx(spent, abs=0.01)


@contextmanager
def _stopped_in_round(index: int, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Interrupt a build as it would keep a round of this number."""
    keep = RunDirectory.keep_round

    def keep_until(run: RunDirectory, member: Member, earlier: RunHistory | None) -> RunHistory:
        if member.round == index:
            raise KeyboardInterrupt
        return keep(run, member, earlier)

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(RunDirectory, "keep_round", keep_until)
        yield


def test_a_resumed_build_appends_what_it_goes_on_from(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with _stopped_in_round(1, monkeypatch):
        build(tiny_config(data), out=tmp_path / "run")
    first = (tmp_path / "run" / "build.log").read_bytes()
    stopped = _lines(tmp_path / "run" / "build.log")
    assert [line["what"] for line in stopped] == ["began", "round", "stopped"]
    assert stopped[-1]["error"] == "KeyboardInterrupt"
    build(tiny_config(data), out=tmp_path / "run")
    assert (tmp_path / "run" / "build.log").read_bytes().startswith(first)
    resumed = _lines(tmp_path / "run" / "build.log")[3:]
    assert resumed[0]["last_rounds"] == {"0": 0, "1": 0, "2": 0, "3": 0}
    assert [line["what"] for line in resumed] == ["began", "round", "round", "ended"]
    assert [line["round"] for line in resumed[1:3]] == [1, 2]


def test_late_weights_that_are_trained_anew_are_counted(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe, late = Recipe(max_epochs=3, batch_size=16), Rewinding("late", late_epochs=2)
    dropnet = DropNet(rounds=1, kappa=0.0, recipe=recipe, rewinding=late)
    with _stopped_in_round(1, monkeypatch):
        build(tiny_config(data, dropnet=dropnet), out=tmp_path / "run")
    resumed = build(tiny_config(data, dropnet=dropnet), out=tmp_path / "run")
    line = _lines(resumed)[-2]
    epochs = [len(history.rounds[1].epochs) for history in resumed.histories]
    assert line["round"] == 1
    assert line["member_epochs"] == sum(epochs) + 4 * 2
    assert line["images"] == line["member_epochs"] * resumed.splits.sizes["train"]


@pytest.mark.slow
def test_worker_processes_append_whole_lines(data: Path, tmp_path: Path) -> None:
    config = tiny_config(data, archs=("mlp-a:8-6", "mlp-a:7-5"))
    built = build(config, out=tmp_path / "run", placement=Placement(jobs=2))
    lines = _lines(built)
    rounds = [(line["group"], line["round"]) for line in lines if line["what"] == "round"]
    assert sorted(rounds) == [([r, r + 2], k) for r in (0, 1) for k in range(3)]
    ended = lines[-1]
    assert ended["what"] == "ended"
    spent = sum(line["stages"]["training"] for line in lines if line["what"] == "round")
    assert ended["stages"]["training"] == pytest.approx(spent / 2, abs=0.01)
    assert ended["stages"]["waiting"] >= 0


@pytest.mark.slow
def test_a_killed_build_leaves_whole_lines(data: Path, tmp_path: Path) -> None:
    words = ["build", *TINY_OPTIONS, "--data", str(data), "--out", str(tmp_path / "run")]
    words += ["--rounds", "12"]
    program = [sys.executable, "-m", "pipelines.commands.cli", *words]
    child = subprocess.Popen(program, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    log = tmp_path / "run" / "build.log"
    until = time.monotonic() + 60
    while not (log.exists() and b'"round"' in log.read_bytes()) and time.monotonic() < until:
        time.sleep(0.005)
    child.send_signal(signal.SIGKILL)
    child.wait()
    assert log.read_bytes().endswith(b"\n")
    assert [line["what"] for line in _lines(log)][:2] == ["began", "round"]
    assert run(words) == 0
    assert [line["what"] for line in _lines(log)].count("began") == 2


def test_a_run_is_never_read_from_its_log(data: Path, tmp_path: Path) -> None:
    """Runs of earlier versions have none; somebody may delete it, or write into it."""
    built = build(tiny_config(data), out=tmp_path / "run")
    log = directory(built).log_file
    for content in (None, b"\x00\xff not JSON\n{"):
        log.unlink()
        if content is not None:
            log.write_bytes(content)
        assert read_built(directory(built)).selection.team == built.selection.team
        again = build(tiny_config(data), out=tmp_path / "run")
        assert again.earlier and again.selection.team == built.selection.team
        assert b'"began"' in log.read_bytes()
    assert b"build.log" not in directory(built).config_file.read_bytes()


def test_a_refused_request_writes_no_line(built: Built, data: Path) -> None:
    before = directory(built).log_file.read_bytes()
    with pytest.raises(RequestError, match="another configuration's run"):
        build(tiny_config(data, m=5), out=built.path)
    assert directory(built).log_file.read_bytes() == before


def test_a_log_that_cannot_be_written_is_one_line(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["build", *TINY_OPTIONS, "--data", str(data), "--out", str(tmp_path / "run")]
    assert run(words) == 0
    (tmp_path / "run" / "build.log").unlink()
    (tmp_path / "run" / "build.log").mkdir()
    capsys.readouterr()
    assert run(words) == 1
    err = capsys.readouterr().err.splitlines()[-1]
    assert err.startswith(f"ensemble: {tmp_path / 'run' / 'build.log'}: Is a directory")


def test_what_ended_a_build_is_said_though_the_log_takes_nothing_more(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "run"

    def full(run: RunDirectory, member: Member, earlier: RunHistory | None) -> None:
        (out / "build.log").unlink()
        (out / "build.log").mkdir()
        raise KeyboardInterrupt

    monkeypatch.setattr(RunDirectory, "keep_round", full)
    with pytest.raises(KeyboardInterrupt):
        build(tiny_config(data), out=out)


def test_a_build_in_memory_writes_nothing(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    built = build(tiny_config(data))
    assert not list(tmp_path.iterdir())
    assert built.seconds["training"] > 0


def test_a_halved_population_is_logged_and_said(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    evaluate = Stacked.evaluate

    def cramped(engine: Stacked) -> Evaluation:
        found = evaluate(engine)
        if len(found.losses) > 2:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return found

    monkeypatch.setattr(Stacked, "evaluate", cramped)
    out = tmp_path / "run"
    assert run(["build", *TINY_OPTIONS, "--data", str(data), "--out", str(out)]) == 0
    err = capsys.readouterr().err
    assert "Warning" not in err
    assert err.count("4 networks at once are too many for the device's memory") == 1
    halved = [line for line in _lines(out / "build.log") if line["what"] == "halved"]
    assert [(line["round"], line["networks"], line["half"]) for line in halved] == [
        (k, 4, 2) for k in range(3)
    ]
    assert all(line["group"] == [0, 1, 2, 3] for line in halved)
    config = (out / "config.json").read_text()
    assert "half" not in config


def test_what_an_engine_goes_on_without_is_logged_and_said_once(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    evaluate = Stacked.evaluate

    def slower(engine: Stacked) -> Evaluation:
        warnings.warn("going on without a compiler", EngineWarning, stacklevel=2)
        return evaluate(engine)

    monkeypatch.setattr(Stacked, "evaluate", slower)
    out = tmp_path / "run"
    assert run(["build", *TINY_OPTIONS, "--data", str(data), "--out", str(out)]) == 0
    err = capsys.readouterr().err
    assert "Warning" not in err
    assert err.count("round 0: going on without a compiler") == 1
    assert err.count("without a compiler") == 1
    noted = [line for line in _lines(out / "build.log") if line["what"] == "slower"]
    assert {line["round"] for line in noted} == {0, 1, 2}
    assert {line["why"] for line in noted} == {"going on without a compiler"}


def test_memory_of_a_card_is_measured_round_by_round(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []
    peaks = iter([700, 300])
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda d: told.append("name") or "H100")
    monkeypatch.setattr(torch.cuda, "reset_peak_memory_stats", lambda d: told.append(f"reset {d}"))
    monkeypatch.setattr(torch.cuda, "max_memory_allocated", lambda d: next(peaks))
    clock = RoundClock("cuda:1", 100, first=2)
    assert clock.epoch([4, 5]) == 200
    assert clock.epoch([5]) == 100
    first, second = clock.taken(), clock.taken()
    assert (first.device, first.peak_bytes, second.peak_bytes) == ("H100", 700, 300)
    assert (first.epochs, first.member_epochs, first.images) == (2, 3, 300)
    assert (second.epochs, second.images, second.images_per_second) == (0, 0, 0.0)
    assert told == ["name", "reset cuda:1", "reset cuda:1", "reset cuda:1"]
    assert first.as_line()["peak_bytes"] == 700
    assert clock.round == 4


def test_a_processor_has_no_peak() -> None:
    assert "peak_bytes" not in RoundClock("cpu", 10).taken().as_line()


@pytest.mark.parametrize("seconds", [{}, {"other": 0.0}])
def test_no_time_is_no_text(seconds: dict[str, float]) -> None:
    assert time_text(seconds) == ""


def test_the_end_of_a_build_says_where_the_time_went(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["build", *TINY_OPTIONS, "--data", str(data), "--out", str(tmp_path / "run")]
    assert run(words) == 0
    out, err = capsys.readouterr()
    [line] = [line for line in out.splitlines() if line.startswith("the time went to ")]
    assert "training" in line
    assert err.count(" images/s\n") == 3
    assert run(words) == 0
    assert "the time went to" not in capsys.readouterr().out
