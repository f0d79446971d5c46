"""What compare, select, predict and show say of a finished run."""

from __future__ import annotations

import csv
import html
import io
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pipeline_support import fails

from pipelines.commands.cli import run
from pipelines.commands.console import OutputConsole
from pipelines.run.command_line import command_of
from pipelines.run.directory import RunDirectory


def _no_training(*args: object, **kwargs: object) -> None:
    raise AssertionError("nothing is trained to choose again")


def test_compare_writes_table_and_report(
    built: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["compare", str(built), "--out", str(tmp_path / "c")]) == 0
    table = (tmp_path / "c" / "comparison.csv").read_text(encoding="utf-8")
    rows = list(csv.DictReader(io.StringIO(table)))
    wanted = {"contender", "members", "accuracy", "flops", "parameters", "bytes",
              "flops_ratio", "bytes_ratio"}  # fmt: skip
    assert wanted <= set(rows[0])
    assert {row["contender"] for row in rows} == {
        "single_best_unpruned", "single_mean_unpruned", "top_s_unpruned", "hq_unpruned",
        "all_unpruned", "all_pruned", "random_s_pruned", "selected", "selected_cascade",
    }  # fmt: skip
    by_name = {row["contender"]: row for row in rows}
    assert float(by_name["all_unpruned"]["flops_ratio"]) == 1
    flops = float(by_name["selected"]["flops"]) / float(by_name["all_unpruned"]["flops"])
    assert float(by_name["selected"]["flops_ratio"]) == pytest.approx(flops)
    page = (tmp_path / "c" / "report.html").read_text(encoding="utf-8")
    assert html.escape(command_of(RunDirectory(built).resolved.config)) in page
    assert "Selected 2" in capsys.readouterr().out


def test_a_report_is_the_runs_own_when_its_reader_leaves(
    built: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def left(*_: object) -> None:
        raise BrokenPipeError

    copy = Path(shutil.copytree(built, tmp_path / "run"))
    monkeypatch.setattr(OutputConsole, "print", left)
    assert run(["compare", str(copy)]) == 1
    directory = RunDirectory(copy)
    assert directory.read_own(directory.report.page) is not None


def test_several_runs_go_side_by_side_and_a_run_that_cannot_is_named(
    built: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    again = tmp_path / "again"
    assert run(["select", str(built), "--s", "3", "--out", str(again)]) == 0
    runs = [str(built), str(again)]
    assert "needs a folder for the report: --out" in fails(capsys, "compare", *runs)
    assert run(["compare", *runs, "--out", str(tmp_path / "both")]) == 0
    table = (tmp_path / "both" / "comparison.csv").read_text(encoding="utf-8")
    rows = list(csv.DictReader(io.StringIO(table)))
    assert [row["contender"] for row in rows].count("selected") == 2
    (again / "selection.json").unlink()
    assert run(["compare", *runs, "--out", str(tmp_path / "one")]) == 1
    assert "no selection.json" in " ".join(capsys.readouterr().out.split()), "in 80 columns"


def test_a_run_is_compared_with_itself_by_nobody(
    built: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    again = built.parent / "." / built.name
    line = fails(capsys, "compare", str(built), str(again), "--out", str(tmp_path / "both"))
    assert "is given twice" in line
    assert not (tmp_path / "both").exists()


def test_select_chooses_again_without_training(
    built: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pruning.dropnet.rounds.train", _no_training)
    again = tmp_path / "again"
    assert run(["select", str(built), "--s", "3", "--pool", "rounds", "--out", str(again)]) == 0
    assert "chosen 3 of 12" in capsys.readouterr().out
    assert len(json.loads((again / "ensemble" / "ensemble.json").read_text())["members"]) == 3
    assert run(["compare", str(again)]) == 0
    assert (again / "report.html").exists()


def test_select_from_a_run_needs_a_new_folder(
    built: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "give --out" in fails(capsys, "select", str(built), "--s", "3")
    assert "is the run that is chosen from" in fails(
        capsys, "select", str(built), "--s", "3", "--out", str(built)
    )


def test_a_build_that_differs_in_the_choice_alone_is_told_of_select(
    built: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = ["build", "--config", str(built / "config.json"), "--s", "1", "--out", str(built)]
    told = fails(capsys, *asked)
    assert f"ensemble select {built} --out NEW" in told
    assert "delete" not in told


def test_the_least_that_a_refusal_names_is_enough(
    built: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for kind in ("flops", "bytes"):
        told = fails(
            capsys, "select", str(built), f"--max-{kind}", "1", "--out", str(tmp_path / "none")
        )
        least = told.strip().rpartition(" ")[2]
        out = tmp_path / kind
        assert run(["select", str(built), f"--max-{kind}", least, "--out", str(out)]) == 0


@pytest.mark.parametrize(
    "name",
    [
        "members/001/round-1.safetensors", "members/000/history.json",
        "ensemble/member-0.safetensors", "candidates.csv", "selection.json", "config.json",
    ],
)  # fmt: skip
@pytest.mark.parametrize("left", [0, 0.4])
def test_damage_is_named_where_it_is_though_predictions_are_kept(
    built: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, left: float
) -> None:
    copy, out = tmp_path / "copy", tmp_path / "again"
    shutil.copytree(built, copy)
    whole = (copy / name).read_bytes()
    (copy / name).write_bytes(whole[: int(left * len(whole))])
    commands = [("compare", str(copy))]
    if name.startswith(("members", "config")):
        commands.append(("select", str(copy), "--out", str(out)))
    for command in commands:
        capsys.readouterr()
        assert run(command) == 1
        said = capsys.readouterr().err
        assert str(copy / name) in said and "Error" not in said and said.count("\n") == 1
    assert not out.exists()


def test_a_choice_from_a_stopped_build_is_said_to_be_one(
    built: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(built, copy)
    (copy / "selection.json").unlink()
    shutil.rmtree(copy / "ensemble")
    capsys.readouterr()
    assert run(["select", str(copy), "--out", str(tmp_path / "again")]) == 0
    err = capsys.readouterr().err
    assert err.startswith("ensemble: ") and "if its build was stopped" in err
    assert "is a run that has made no ensemble yet" in fails(capsys, "show", str(copy))


def test_a_run_without_networks_to_choose_from_is_said_to_be_so_once(
    built: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    copy = tmp_path / "copy"
    copy.mkdir()
    shutil.copy(built / "config.json", copy)
    capsys.readouterr()
    assert run(["select", str(copy), "--out", str(tmp_path / "again")]) == 2
    err = capsys.readouterr().err
    assert err.count("\n") == 1
    assert err.startswith(f"ensemble: {copy} is not finished: run 0 has no trained network; ")
    assert not (tmp_path / "again").exists()


def test_select_takes_the_settings_of_its_method_and_says_why(
    built: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "again"
    words = ["--method", "hq", "--prune-fraction", "0.3", "--measure", "double_fault"]
    assert run(["select", str(built), *words, "--out", str(out)]) == 0
    said = capsys.readouterr().out
    options = json.loads((out / "selection.json").read_text())["options"]
    assert options["prune_fraction"] == 0.3
    assert options["measures"] == ["double_fault"]
    for part in ("overstated by", "team without it", "standing", "accuracy against flops"):
        assert part in said
    other = tmp_path / "top"
    assert run(["select", str(out), "--method", "top", "--out", str(other)]) == 0
    assert "measures" not in json.loads((other / "selection.json").read_text())["options"]
    words = ["--method", "top", "--measure", "entropy", "--out", str(tmp_path / "none")]
    assert "--method 'top' has no --measure;" in fails(capsys, "select", str(out), *words)


@pytest.mark.parametrize("option", ["--max-flops", "--thrifty"])
def test_select_says_why_a_team_is_smaller_than_asked(
    option: str, built: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    flops = sorted(h.handed_on(0.0).cost.flops for h in RunDirectory(built).histories())
    words = {"--max-flops": ["--max-flops", str(flops[0])], "--thrifty": ["--thrifty", "--s", "4"]}
    assert run(["select", str(built), *words[option], "--out", str(tmp_path / "less")]) == 0
    why = {
        "--max-flops": "fewer than the 2 asked for: no team of 2 fits the budget\n",
        "--thrifty": "fewer than the 4 asked for: no larger team is more accurate beyond noise",
    }
    assert why[option] in capsys.readouterr().out


def test_none_lifts_a_limit_that_a_run_was_made_with(
    built: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    flops = min(h.handed_on(0.0).cost.flops for h in RunDirectory(built).histories())
    less, more = tmp_path / "less", tmp_path / "more"
    assert run(["select", str(built), "--max-flops", str(flops), "--out", str(less)]) == 0
    assert RunDirectory(less).resolved.config.selection.max_flops == flops
    assert run(["select", str(less), "--max-flops", "none", "--out", str(more)]) == 0
    assert RunDirectory(more).resolved.config.selection.max_flops is None
    files = [(folder / "selection.json").read_bytes() for folder in (built, more)]
    assert files[0] == files[1], "as if there had never been one"
    assert "'off' is not a valid float" in fails(
        capsys, "select", str(less), "--max-flops", "off", "--out", str(tmp_path / "no")
    )


def test_a_limit_that_no_team_exceeds_leaves_the_choice_of_a_run_as_it_is(
    built: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sizes = [h.handed_on(0.0).cost.bytes for h in RunDirectory(built).histories()]
    most = sum(sorted(sizes)[-2:])
    out = tmp_path / "same"
    assert run(["select", str(built), "--max-bytes", str(most), "--out", str(out)]) == 0
    assert "fewer than" not in capsys.readouterr().out
    assert (out / "selection.json").read_bytes() == (built / "selection.json").read_bytes()


def test_select_keeps_within_a_measured_latency(
    built: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "quick"
    assert "the cheapest needs, latency" in fails(
        capsys, "select", str(built), "--max-latency", "1e-6", "--out", str(out)
    )
    assert not out.exists()
    assert run(["select", str(built), "--max-latency", "1000", "--out", str(out)]) == 0
    assert "accuracy against latency" in capsys.readouterr().out
    front = json.loads((out / "selection.json").read_text())["front"]
    assert all(0 < point["cost"] < 1 for point in front if point["kind"] == "latency")


def test_select_from_predictions_made_elsewhere(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 3, 200)
    scores = rng.random((6, 200, 3)) + np.eye(3)[labels]
    file = tmp_path / "p.npz"
    np.savez(file, probabilities=scores / scores.sum(-1, keepdims=True), labels=labels)
    assert run(["select", str(file), "--s", "3", "--out", str(tmp_path / "o")]) == 0
    assert "chosen 3 of 6" in capsys.readouterr().out
    assert (tmp_path / "o" / "selection.json").exists()


def test_predict_gives_a_line_a_sample(
    built: Path, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    images = np.load(data)["X"][:5]
    np.save(tmp_path / "five.npy", images)
    Image.fromarray(images[0]).save(tmp_path / "one.png")
    capsys.readouterr()
    assert run(["predict", str(built), str(tmp_path / "five.npy"), str(tmp_path / "one.png")]) == 0
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert len(rows) == 6
    assert rows[0]["class"] == rows[5]["class"]
    (tmp_path / "bad.png").write_bytes(b"not an image")
    assert run(["predict", str(built), str(tmp_path / "bad.png"), str(tmp_path / "one.png"),
                "--format", "jsonl", "--explain"]) == 1  # fmt: skip
    out, err = capsys.readouterr()
    [line] = out.splitlines()
    assert len(json.loads(line)["members"]) == 2
    assert "bad.png" in err


def test_show_tells_members_and_cost(built: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["show", str(built)]) == 0
    out = capsys.readouterr().out
    assert "2 networks" in out
    assert "mlp-a:8-6" in out
    assert "together" in out
