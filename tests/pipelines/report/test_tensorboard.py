"""The logs read back to the run's own numbers."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from pipeline_support import directory, tiny_config, write_images

from pipelines.build.built import Built
from pipelines.build.story import build
from pipelines.commands.cli import run
from pipelines.report.tensorboard import LiveLogs, log_name


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    folder = tmp_path_factory.mktemp("logged")
    config = tiny_config(write_images(folder / "tiny.npz"))
    return build(config, out=folder / "run", control=True, small_team=True)


def _scalars(folder: Path) -> dict[str, list[tuple[int, float]]]:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    read = EventAccumulator(str(folder))
    read.Reload()
    return {tag: [(e.step, e.value) for e in read.Scalars(tag)] for tag in read.Tags()["scalars"]}


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_every_network_has_its_curves(
    built: Built, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with directory(built).placing() as fresh:
        (fresh / "comparison.md").write_text("| a | b |\n", encoding="utf-8")
    words = ["log", str(built.path), "--tensorboard", str(tmp_path / "logs")]
    assert run(words) == 0
    assert "8 logs" in capsys.readouterr().out
    names = {folder.name for folder in (tmp_path / "logs").iterdir()}
    assert names == {
        "run-00", "run-01", "run-02", "run-03", "control", "small_team-0", "small_team-1",
        "comparison",
    }  # fmt: skip
    history = built.histories[1]
    found = _scalars(tmp_path / "logs" / "run-01")
    accuracies = [value for _, value in found["round/val_accuracy"]]
    assert accuracies == pytest.approx([entry.val_accuracy for entry in history.rounds])
    epochs = [epoch.val_loss for entry in history.rounds for epoch in entry.epochs]
    assert [step for step, _ in found["epoch/val_loss"]] == list(range(len(epochs)))
    assert [value for _, value in found["epoch/val_loss"]] == pytest.approx(epochs)
    assert run(words) == 2
    assert "holds files already; give a new folder" in capsys.readouterr().err


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_build_logs_its_rounds_while_it_trains(built: Built, tmp_path: Path) -> None:
    with LiveLogs(tmp_path / "live") as logs:
        build(built.config, on_event=logs)

    for history in built.histories:
        found = _scalars(tmp_path / "live" / log_name(history.run))
        assert [value for _, value in found["round/val_accuracy"]] == pytest.approx(
            [entry.val_accuracy for entry in history.rounds]
        )
        assert [step for step, _ in found["round/units_remaining"]] == [
            entry.round for entry in history.rounds
        ]


def test_a_build_asks_for_tensorboard_before_it_trains(
    built: Built, tmp_path: Path, capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    words = ["build", "--out", str(tmp_path / "run"), "--tensorboard", str(tmp_path / "logs")]
    assert run(words) == 2
    assert "pip install 'dropnet-ensemble[tensorboard]'" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


def test_without_tensorboard_a_line_says_how_to_install_it(
    built: Built, tmp_path: Path, capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    assert run(["log", str(built.path), "--tensorboard", str(tmp_path / "logs")]) == 2
    err = capsys.readouterr().err
    assert "pip install 'dropnet-ensemble[tensorboard]'" in err
    assert err.count("\n") == 1
    assert not (tmp_path / "logs").exists()
