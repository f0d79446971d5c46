"""The team's other forms: written into the run, refused by what they lose, then compared."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from pipeline_support import directory, tiny_config, write_images

import ensemble
from ensemble.cascade import Cascade
from ensemble.description import Description
from pipelines.build.built import Built, read_built
from pipelines.build.story import build
from pipelines.commands.cli import run
from pipelines.compare.comparison import Comparison
from pipelines.compare.of_build import compare
from pipelines.report.number_format import amount
from pipelines.run.config import SelectionConfig
from pipelines.run.directory import RunDirectory


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    folder = tmp_path_factory.mktemp("exported")
    # A team that its first member does not match alone: the cascade has something to fit.
    config = tiny_config(
        write_images(folder / "tiny.npz"), selection=SelectionConfig(size=2, method="hq")
    )
    done = build(config, out=folder / "run")
    assert run(["export", str(done.path)]) == 0
    return done


def _about(built: Built) -> Description:
    return ensemble.load(built.path).description


def _compared(built: Built) -> Comparison:
    return compare(built)


def test_the_exported_file_is_compared_and_says_what_the_team_says(built: Built) -> None:
    comparison = _compared(built)
    team, file = comparison.selected, comparison.row("selected_onnx")
    assert file.accuracy == team.accuracy
    assert file.losses.log_loss.value == pytest.approx(team.losses.log_loss.value, abs=1e-5)
    assert file.temperature == team.temperature == _about(built).combination.temperature
    assert file.calibrated is not None and team.calibrated is not None
    assert file.calibrated.brier.value == pytest.approx(team.calibrated.brier.value, abs=1e-5)
    assert file.cost.bytes == directory(built).onnx_file.stat().st_size
    test = file.versus("selected")
    assert test is not None and test.mcnemar_p == 1


def test_the_temperature_of_the_comparison_is_the_artefacts(built: Built) -> None:
    selected = _compared(built).selected
    assert selected.temperature == _about(built).combination.temperature
    assert selected.calibrated is not None
    splits = built.splits
    x, y = splits.test.images, splits.test.labels
    p = ensemble.load(built.path).predict_proba(x)
    loss = -np.log(p[np.arange(len(y)), y]).mean()
    assert selected.calibrated.log_loss.value == pytest.approx(loss, rel=1e-4)


def test_the_cascade_keeps_the_accuracy_where_it_was_fitted(built: Built) -> None:
    about = ensemble.load(built.path).description
    assert about.combination.cascade is not None
    splits = built.splits
    clf = ensemble.load(built.path).set_params(cascade=True)
    y = clf.classes_[splits.select.labels]
    assert clf.score(splits.select.images, y) >= built.selection.accuracy - 1e-9
    row = _compared(built).row("selected_cascade")
    used = clf.members_used(splits.test.images)  # type: ignore[attr-defined]
    costs = [about.members[i].cost.flops for i in about.combination.cascade.order]
    assert row.cost.flops == pytest.approx(np.cumsum(costs)[used - 1].mean())
    assert row.accuracy.value == clf.score(splits.test.images, clf.classes_[splits.test.labels])


def test_a_cascade_may_be_allowed_to_lose(built: Built, capsys: pytest.CaptureFixture[str]) -> None:
    before = ensemble.load(built.path).description.combination.cascade
    assert run(["export", str(built.path), "--cascade", "--max-loss", "0.5"]) == 0
    assert "of its FLOPs a sample" in capsys.readouterr().out
    loose = ensemble.load(built.path).description.combination.cascade
    assert isinstance(before, Cascade) and isinstance(loose, Cascade)
    assert loose.threshold < before.threshold
    assert run(["export", str(built.path), "--cascade"]) == 0
    assert ensemble.load(built.path).description.combination.cascade == before
    assert ensemble.load(directory(built).onnx_file).description.combination.cascade is None


def test_what_is_shown_of_a_file_is_its_own_size(
    built: Built, capsys: pytest.CaptureFixture[str]
) -> None:
    file = directory(built).onnx_file
    assert run(["show", str(file)]) == 0
    assert f"one file of {amount(file.stat().st_size, 'B')}; the" in capsys.readouterr().out
    assert run(["show", str(built.path)]) == 0
    assert "one file" not in capsys.readouterr().out


def test_int8_is_measured_on_the_selection_split_and_refused_by_its_loss(
    built: Built, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    source = str(built.path)
    assert run(["export", source, "--int8", "--max-loss", "0.9"]) == 0
    said = capsys.readouterr().out
    labels = built.predictions.labels
    assert f"on {len(labels)} samples of the selection split" in said
    assert re.search(
        r"int8 is (slower|faster) here: \d+\.\d\d ms a sample against \d+\.\d\d ms in", said
    )
    assert (
        _compared(built).row("selected_int8").cost.bytes
        == directory(built).int8_file.stat().st_size
    )
    directory(built).int8_file.unlink()
    score = ensemble.onnx.runtime.OnnxEnsemble.score
    scores = iter([0.9, 0.8])
    monkeypatch.setattr("ensemble.onnx.runtime.OnnxEnsemble.score", lambda *_: next(scores))
    assert run(["export", source, "--int8"]) == 2
    told = capsys.readouterr().err
    assert "more than the allowed loss of 0.005; allow 0.1 (--max-loss" in told
    assert not directory(built).int8_file.exists()
    monkeypatch.setattr("ensemble.onnx.runtime.OnnxEnsemble.score", score)


def test_a_file_of_another_team_is_left_out_and_said(built: Built, tmp_path: Path) -> None:
    other = tmp_path / "other"
    source = str(built.path)
    assert run(["select", source, "--s", "3", "--out", str(other)]) == 0
    whole = directory(built).onnx_file.read_bytes()
    with RunDirectory(other).placing() as fresh:
        (fresh / "ensemble.onnx").write_bytes(whole)
    (other / "ensemble-int8.onnx").write_bytes(whole[:-9])
    comparison = compare(read_built(RunDirectory(other)))
    assert [row.contender for row in comparison.results if "onnx" in row.contender] == []
    notes = comparison.notes
    assert any("ensemble.onnx was not compared: it is of another team" in n for n in notes)
    assert any("ensemble-int8.onnx is not the file that this run wrote" in n for n in notes)


WRONG = [
    (["--int8", "--cascade"], "two exports; give one at a time"),
    (["--max-loss", "0.1"], "--max-loss belongs to --int8 or --cascade"),
    (["--int8", "--max-loss", "1"], "--max-loss 1.0 must lie between 0 and 1"),
    (["--cascade", "--out", "x"], "leave --out away"),
    (["--out", "."], "--out . is a folder; give a file"),
    (["--out", "no/where/x.onnx"], "the folder no/where does not exist"),
]


@pytest.mark.parametrize(("options", "message"), WRONG, ids=lambda v: " ".join(v)[:30])
def test_a_wrong_request_is_one_line(
    built: Built, options: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["export", str(built.path), *options]) == 2
    err = capsys.readouterr().err
    assert message in err
    assert err.count("\n") == 1


def test_a_name_that_predict_would_not_know_is_refused(
    built: Built, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["export", str(built.path), "--out", str(tmp_path / "dev.txt")]) == 2
    assert f"such as {tmp_path / 'dev.onnx'}" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_what_is_measured_needs_a_run(built: Built, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["export", str(directory(built).ensemble_folder), "--int8"]) == 2
    assert "is not a run: int8 and cascades are measured" in capsys.readouterr().err
    assert run(["export", str(directory(built).onnx_file)]) == 2
    assert "is exported already" in capsys.readouterr().err


def test_predict_with_the_cascade(
    built: Built, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    np.save(tmp_path / "x.npy", built.splits.test.images[:5])
    words = [str(tmp_path / "x.npy"), "--cascade"]
    assert run(["predict", str(built.path), *words]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 6
    assert run(["predict", str(directory(built).onnx_file), *words]) == 2
    assert "runs every member at once; for --cascade give the run" in capsys.readouterr().err
    assert run(["predict", str(built.path), *words, "--explain"]) == 2
    assert "give one of them" in capsys.readouterr().err
