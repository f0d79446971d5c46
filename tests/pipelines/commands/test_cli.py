"""The commands as a person types them: output, exit codes, one-line errors."""

from __future__ import annotations

import shlex
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from pipeline_support import TINY_OPTIONS, fails

from pipelines.commands.cli import cli, main, run
from pipelines.run.command_line import command_of
from pipelines.run.config import BuildConfig
from pruning.core.settings_tree import settings_of


def test_build_says_what_came_out_and_what_comes_next(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["build", *TINY_OPTIONS, "--data", str(data), "--out", str(tmp_path / "r")]) == 0
    out, err = capsys.readouterr()
    assert "chosen 2 of 4 by" in out
    assert f"next: ensemble compare {tmp_path / 'r'}" in out
    assert "round 1, 4 runs 0…3: " in err
    assert "select has 36 samples: an accuracy there is sure to ±16 points" in err
    assert run(["build", *TINY_OPTIONS, "--data", str(data), "--out", str(tmp_path / "r")]) == 0
    assert "earlier: nothing was left to train" in capsys.readouterr().out


BAD_BUILDS = [
    (["--s", "5"], "--s 5 is more than the 4 networks of --m 4; allowed 1 to 4"),
    (
        ["--s", "9", "--pool", "mixed"],
        "--s 9 is more than the 8 networks of --pool 'mixed' with --m 4; allowed 1 to 8",
    ),
    (
        ["--arch", "conv-b"] * 4,
        "--arch names 5 architectures, more than the networks of --m 4; raise --m, or leave out",
    ),
    (["--s", "0"], "--s 0: allowed 1 and more; the default is 5"),
    (["--m", "0"], "--m 0: allowed 1 to 100000; the default is 20"),
    (["--seed", "-1"], "--seed -1: allowed 0 to 9223372036854775807"),
    (["--seed", str(2**63)], "--seed 9223372036854775808: allowed 0 to 9223372036854775807"),
    (["--arch", "mlp"], "unknown architecture 'mlp'; did you mean 'mlp-a'"),
    (["--metric", "minimun"], "unknown metric 'minimun'; did you mean 'minimum'"),
    (["--arch", "mlp-a:"], "architecture 'mlp-a:' gives no widths after the colon"),
    (["--arch", ""], "--arch '': allowed alexnet, "),
    (["--method", ""], "--method '': allowed backward, "),
    (["--data", ""], "--data '': allowed cifar10, "),
    (["--out", ""], "--out '': allowed is a path"),
    (["--batch-size", "100000000000"], "--batch-size 100000000000 is more than the 144 training"),
    (["--rewind", "initial", "--late-epochs", "2"], "--late-epochs 2 belongs to late rewinding"),
    (["--rewind", "trained", "--late-epochs", "40"], "--late-epochs 40 leave nothing to train of"),
    (["--late-epochs", "3", "--epochs", "2"], "--late-epochs 3 leave nothing to train of the"),
    (["--rewind", "random", "--rewind-schedule", "rest"], "--rewind-schedule 'rest' needs weights"),
    (["--warmup", "5", "--epochs", "5"], "--warmup 5 leaves nothing of --epochs 5"),
    (["--patience", "5", "--schedule", "cosine"], "--patience 5 would end a schedule"),
    (["--label-smoothing", "1"], "--label-smoothing 1.0: allowed 0"),
    (["--target-flops", "0"], "--target-flops 0.0: allowed more than 0"),
    (
        ["--target-flops", "0.1", "--target-bytes", "0.1"],
        "limit the team by it with --max-flops or --max-bytes, which are absolute numbers",
    ),
    (["--target-flops", "0.0001"], "--target-flops leaves 0.0002 of the FLOPs to each network"),
    (["--learning-rate", "inf"], "--learning-rate inf: allowed finite numbers, more"),
    (["--kappa", "nan"], "--kappa nan: allowed finite numbers, 0 to 1; the default is 0.97"),
    (
        ["--max-flops", "inf"],
        "--max-flops inf: allowed finite numbers, more than 0",
    ),
    (["--method", "hp"], "unknown selection method 'hp'; did you mean 'hq'"),
    (["--voting", "meen"], "unknown voting 'meen'; did you mean 'mean'"),
    (["--pool", "prune"], "unknown pool 'prune'; did you mean 'pruned'"),
    (["--recipe", "papre"], "unknown recipe 'papre'; did you mean 'paper'"),
    (["--pruner", "datafre"], "unknown pruner 'datafre'; did you mean 'datafree'"),
    (["--remove", "0.5"], "--pruner 'dropnet' does not use --remove; leave it out, or ask for"),
    (
        ["--pruner", "datafree", "--metric", "l1", "--rewind", "random"],
        "--pruner 'datafree' does not use --metric, --rounds, --rewind; leave it out",
    ),
    (["--pruner", "datafree", "--remove", "1"], "--remove '1': allowed a share of each layer"),
    (["--pruner", "datafree", "--remove", ".1", "--remove", ".2"], "--remove takes one share"),
    (["--score-mode", "publishd"], "unknown score mode 'publishd'; did you mean 'published'"),
    (["--coupling", "join"], "unknown coupling 'join'; did you mean 'joint'"),
    (["--round-to", "0"], "--round-to 0: allowed 1 and more; the default is 1"),
    (["--init", "nowhere.safetensors"], "initial weights 'nowhere.safetensors' cannot be read"),
    (["--data", "digit"], "unknown data set 'digit'; did you mean 'digits'"),
    (["--data", "nowhere/at/all"], "nowhere/at/all does not exist"),
    (["--kappa", "1.2"], "--kappa 1.2: allowed 0 to 1; the default is 0.97"),
    (["--fraction", "1"], "--fraction 1.0: allowed more than 0, less than 1; the default is 0.2"),
    (["--epochs", "0"], "--epochs 0: allowed 1 and more; the default is at most 40"),
    (["--jobs", "0"], "--jobs 0: allowed 1 and more; the default is one per core"),
    (["--jobs", "4096"], "--jobs 4096: allowed 1 to "),
    (["--engine", "stakced"], "unknown engine 'stakced'; did you mean 'stacked'"),
    (["--engine", "stacked", "--arch", "conv-b"], "--engine 'stacked' runs plain MLPs"),
    (["--backend", "lokey"], "unknown joblib backend 'lokey'; did you mean 'loky'"),
    (["--limit", "0"], "--limit 0: allowed 1 and more; the default is all"),
    (["--max-flops", "1"], "no member fits within max flops 1"),
    (["--max-bytes", "-1"], "--max-bytes -1.0: allowed more than 0; the default is no limit"),
    (["--max-latency", "0"], "--max-latency 0.0: allowed more than 0"),
    (
        ["--method", "hq", "--prune-fraction", "1"],
        "--prune-fraction 1.0: allowed 0 and more, ",
    ),
    (
        ["--method", "top", "--prune-fraction", ".1"],
        "--method 'top' has no --prune-fraction",
    ),
    (
        ["--method", "hq", "--measure", "disagreemnt"],
        "unknown diversity measure 'disagreemnt'",
    ),
    (["--m", "x"], "Invalid value for '--m': 'x' is not a valid integer"),
    (["--mm", "3"], "No such option '--mm'"),
    (["--rewind", "none"], "unknown rewind 'none'; known: initial, late, random"),
]


@pytest.mark.parametrize(("options", "message"), BAD_BUILDS, ids=lambda v: " ".join(v)[:40])
def test_a_wrong_request_is_one_line_and_exit_2(
    options: list[str], message: str, data: Path, tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    out = tmp_path / "run"
    words = ["build", *TINY_OPTIONS, "--data", str(data), "--out", str(out), *options]
    capsys.readouterr()
    if options == ["--max-flops", "1"]:
        assert run(words) == 2
        assert message in capsys.readouterr().err
        return
    assert message in fails(capsys, *words)
    assert not out.exists()


def test_an_earlier_run_is_left_alone_by_another_request(
    built: Path, data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = {f: f.read_bytes() for f in built.rglob("*") if f.is_file()}
    words = ["build", *TINY_OPTIONS, "--data", str(data), "--out", str(built), "--seed", "3"]
    assert "another configuration's run (--seed: 3 asked, 0 there)" in fails(capsys, *words)
    assert before == {f: f.read_bytes() for f in built.rglob("*") if f.is_file()}


@pytest.mark.parametrize(
    ("classes", "samples", "said"),
    [
        (0, 0, "photos has no class folders with images; expected "),
        (1, 30, "photos has one class, 'a'; classification needs at least 2"),
        (2, 2, "class 'a' has 2 samples to split; each class needs at least 4"),
    ],
)
def test_folders_that_cannot_be_used_are_said(
    classes: int, samples: int, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "photos"
    folder.mkdir()
    for name in "ab"[:classes]:
        (folder / name).mkdir()
        for i in range(samples):
            Image.new("RGB", (8, 8), (i, 0, 0)).save(folder / name / f"{i}.png")
    assert said in fails(capsys, "build", "--data", str(folder), "--out", str(tmp_path / "run"))
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("array", "said"),
    [
        (np.full((40, 4, 4), np.nan), "a.npz: 40 of 40 samples of X hold NaN or infinity"),
        (np.zeros((40, 4, 4, 4, 4)), "a.npz: X has shape (40, 4, 4, 4, 4); allowed (N, F), "),
        (np.zeros(40), "a.npz: X has shape (40,); allowed (N, F), "),
    ],
)
def test_arrays_that_cannot_be_used_are_said(
    array: NDArray[np.float64], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    np.savez(tmp_path / "a.npz", X=array, y=np.arange(40) % 2)
    assert said in fails(
        capsys, "build", "--data", str(tmp_path / "a.npz"), "--out", str(tmp_path / "run")
    )
    assert not (tmp_path / "run").exists()


def test_a_data_dir_without_the_files_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("socket.getaddrinfo", _no_network)
    err = fails(capsys, "build", "--data", "mnist", "--data-dir", str(tmp_path))
    assert "train-images-idx3-ubyte" in err
    assert str(tmp_path) in err


def _no_network(*args: object, **kwargs: object) -> None:
    raise OSError("no network in tests")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["compare", "nowhere"], "nowhere does not exist; expected the folder of a run"),
        (["predict", "nowhere", "x.png"], "nowhere does not exist; expected an ensemble's folder"),
        (["show", "nowhere"], "nowhere does not exist; expected an ensemble's folder"),
        (
            ["select", "nowhere", "--out", "x"],
            "nowhere does not exist; expected the folder of a run",
        ),
        (["select", "nowhere.npz"], "no file nowhere.npz; expected an .npz"),
        (["biuld"], "No such command 'biuld'. Did you mean 'build'?"),
    ],
)
def test_a_thing_that_is_not_there_is_one_line(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str], tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    assert said in fails(capsys, *arguments)
    assert not list(tmp_path.iterdir())


def test_a_failure_of_the_work_is_exit_1_with_a_traceback_only_on_debug(
    built: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*args: object) -> None:
        raise OSError("disk is full")

    monkeypatch.setattr("pipelines.report.comparing.read_built", fail)
    assert "OSError: disk is full" in fails(capsys, "compare", str(built), code=1)
    with pytest.raises(SystemExit) as left:
        main(["compare", str(built), "--debug"])
    assert left.value.code == 1
    assert "Traceback" in capsys.readouterr().err


def test_an_interrupt_is_exit_130(
    built: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*args: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("pipelines.report.comparing.read_built", interrupt)
    capsys.readouterr()
    assert run(["compare", str(built)]) == 130
    out, err = capsys.readouterr()
    assert out == ""
    # click ends the line that ^C was typed on
    assert err.strip() == "ensemble: interrupted; the same command goes on where it stopped"


def test_every_option_of_build_stands_under_a_heading(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(["build", "--help"]) == 0
    sections = capsys.readouterr().out.split("\n\n")[3:]
    assert [section.splitlines()[0] for section in sections] == [
        "What:", "Data:", "Networks and their training:", "Pruning:", "Choice of the team:",
        "Where it runs:", "Options:",
    ]  # fmt: skip
    (only,) = sections[-1].strip().splitlines()[1:]
    assert only.endswith("--help  Show this message and exit.")
    options = [word for option in cli.commands["build"].params for word in option.opts]
    assert len(options) > 40
    assert all(f"  {option}" in "".join(sections) for option in options)


def test_help_lists_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--help"]) == 0
    listed = capsys.readouterr().out.partition("Commands:\n")[2].partition("\n\n")[0]
    named = {line.split()[0] for line in listed.splitlines() if line[2] != " "}
    assert named == set(cli.commands)
    assert named >= {"build", "select", "compare", "predict", "export", "serve", "show"}


def test_the_command_in_the_report_asks_for_the_same_configuration() -> None:
    from pipelines.commands.making import build

    for words in (
        "build --m 7 --s 3 --arch conv-b --arch mlp-a:9-9 --metric random_layer --kappa 0.5",
        "build --data mnist --data-dir there --limit 100 --recipe paper --epochs 7 --seed 4",
        "build --method hq --prune-fraction 0.2 --measure entropy --max-latency 3 --max-flops 1e6",
        "build --pruner datafree --remove fc1=3 --remove fc2=4 --saliency heuristic --kappa 0.9",
        "build --pruner datafree --remove 0.25 --init weights.safetensors",
        "build --rewind random --no-rescale --keep 0.4 --rounds 3 --pool mixed --voting majority",
    ):
        asked = _config(build, words)
        assert _config(build, command_of(asked).removeprefix("ensemble ")) == asked


def _config(command: object, words: str) -> BuildConfig:
    context = command.make_context("build", shlex.split(words)[1:])  # type: ignore[attr-defined]
    known = {setting.name for setting in settings_of(BuildConfig)}
    return BuildConfig.of(**{k: v for k, v in context.params.items() if k in known})


@pytest.mark.parametrize("command", ["build", "select", "combine", "compare", "predict"])
def test_every_part_of_a_help_has_a_heading(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run([command, "--help"]) == 0
    assert ":" not in capsys.readouterr().out.splitlines()
