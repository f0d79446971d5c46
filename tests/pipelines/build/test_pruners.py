"""Every way of pruning that the command line offers, from data to artefact."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from pipeline_support import TINY_OPTIONS, write_images
from safetensors.torch import save_file

import ensemble
from pipelines.commands.cli import run
from pipelines.run.command_line import command_of
from pipelines.run.directory import RunDirectory
from pruning.networks.architecture import build_network

DATA_FREE = ("--m", "3", "--s", "2", "--arch", "mlp-a:12-8", "--epochs", "3", "--batch-size", "16",
             "--jobs", "1", "--pruner", "datafree")  # fmt: skip


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_images(tmp_path_factory.mktemp("data") / "tiny.npz")


def _refused(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    capsys.readouterr()
    assert run(["build", *words]) == 2
    err = capsys.readouterr().err
    assert err.count("\n") == 1, err
    return err


def test_data_free_from_data_to_artefact(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "run"
    words = [*DATA_FREE, "--kappa", "0", "--data", str(data), "--out", str(out)]
    removed = ["--remove", "fc1=5", "--remove", "fc2=2", "--saliency", "heuristic"]
    assert run(["build", *words, *removed]) == 0
    assert "next: ensemble compare" in capsys.readouterr().out
    resolved = RunDirectory(out).resolved
    asked = json.loads((out / "config.json").read_text())["asked"]
    assert asked["pruner"] == "datafree"
    assert asked["merging"] == {
        "fraction": None, "counts": [["fc1", 5], ["fc2", 2]], "saliency": "heuristic",
    }  # fmt: skip
    said = command_of(resolved.config)
    assert "--pruner datafree --remove fc1=5 --remove fc2=2 --saliency heuristic" in said
    for history in RunDirectory(out).histories():
        assert [stored.widths for stored in history.rounds] == [
            {"fc1": (12, 12), "fc2": (8, 8)}, {"fc1": (7, 12), "fc2": (6, 8)},
        ]  # fmt: skip
        assert history.rounds[1].epochs == ()
        assert history.rounds[1].cost.flops < history.rounds[0].cost.flops
    images = np.load(data)["X"]
    assert ensemble.load(out).predict(images).shape == (len(images),)
    assert run(["compare", str(out)]) == 0
    before = {file: file.read_bytes() for file in (out / "members").rglob("*") if file.is_file()}
    assert run(["build", *words, *removed]) == 0, "the same command goes on"
    assert before == {file: file.read_bytes() for file in before}
    assert "--saliency: exact asked, heuristic there" in _refused(capsys, *words, *removed[:-2])


def test_data_free_goes_on_where_it_was_stopped(data: Path, tmp_path: Path) -> None:
    outs = [tmp_path / name for name in ("whole", "stopped")]
    for out in outs:
        assert run(["build", *DATA_FREE, "--data", str(data), "--out", str(out)]) == 0
    stopped = RunDirectory(outs[1])
    for history in stopped.histories():
        (outs[1] / "members" / f"{history.run:03d}" / "round-1.safetensors").unlink()
        stopped.keep_round(history.rounds[0].load(), None)
    for part in ("selection.json", "candidates.csv"):
        (outs[1] / part).unlink()
    assert run(["build", *DATA_FREE, "--data", str(data), "--out", str(outs[1])]) == 0
    whole, stopped = (
        {file.relative_to(out): file.read_bytes() for file in (out / "members").rglob("*.*")}
        for out in outs
    )
    assert whole == stopped


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--remove", "fc9=3"], r"layer 'fc9' cannot be merged; these can: fc1, fc2"),
        (["--remove", "fc1=12"], "cannot remove 12 of the 12 units of layer 'fc1'"),
        (["--remove", "lots"], "--remove 'lots': allowed a share of each layer"),
        (["--remove", "1.5"], "--remove '1.5': allowed a share of each layer"),
        (["--remove", "0.5", "--remove", "fc1=2"], "--remove takes one share for all layers"),
        (["--saliency", "exakt"], "unknown saliency 'exakt'; did you mean 'exact'"),
        (["--metric", "l1"], "--pruner 'datafree' does not use --metric; leave it out"),
        (["--rewind", "initial"], "--pruner 'datafree' does not use --rewind"),
        (["--arch", "conv-b:3-4", "--arch", "mlp-a"], "'conv-b:3-4': Sequential has no Linear"),
    ],
    ids=lambda value: " ".join(value)[:40],
)
def test_what_data_free_pruning_cannot_do_is_said_before_training(
    options: list[str], says: str, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "run"
    assert says in _refused(capsys, *DATA_FREE, "--data", str(data), "--out", str(out), *options)
    assert not out.exists()


@pytest.mark.parametrize(
    "options",
    [
        ["--metric", "oracle"],
        ["--metric", "minimum", "--score-mode", "published"],
        ["--metric", "apoz", "--score-mode", "published", "--round-to", "2"],
        ["--recipe", "paper", "--rewind", "initial"],
        ["--metric", "taylor_layer", "--rewind", "random"],
        ["--rounds", "1", "--fraction", "0.6"],
    ],
    ids=" ".join,
)
def test_a_way_of_dropping_goes_from_data_to_artefact(
    options: list[str], data: Path, tmp_path: Path
) -> None:
    out = tmp_path / "run"
    words = [*TINY_OPTIONS, "--m", "2", "--data", str(data), "--out", str(out), *options]
    assert run(["build", *words]) == 0
    rounds = [history.rounds for history in RunDirectory(out).histories()]
    assert all(run_rounds[-1].remaining < 1 for run_rounds in rounds)
    if "--round-to" in options:
        last = rounds[0][-1].widths
        assert all(kept % 2 == 0 for kept, _ in last.values())
    assert len(ensemble.load(out).predict(np.load(data)["X"])) == 240


def test_masks_of_their_own_report_mask_and_removable_sparsity(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "run"
    words = ["--m", "2", "--s", "1", "--arch", "resnet20:3-3-4", "--epochs", "1",
             "--kappa", "0", "--rounds", "2", "--fraction", "0.4", "--jobs", "1",
             "--coupling", "independent"]  # fmt: skip
    assert run(["build", *words, "--data", str(data), "--out", str(out)]) == 0
    said = capsys.readouterr().out
    run_directory = RunDirectory(out)
    assert run_directory.resolved.config.dropnet.coupling == "independent"
    assert "--coupling independent" in command_of(run_directory.resolved.config)
    masked, removed = [], []
    for history in run_directory.histories():
        last = history.rounds[-1]
        assert len(last.widths) == 21, "every convolution has its own mask"
        assert last.removed is not None
        assert 0 < last.removed < 1 - last.remaining
        assert last.cost.flops < history.rounds[0].cost.flops
        masked.append(1 - last.remaining)
        removed.append(last.removed)
    line = f"mask sparsity {np.mean(masked):.1%}, removable sparsity {np.mean(removed):.1%}"
    assert line in said
    assert len(ensemble.load(out).predict(np.load(data)["X"])) == 240


def test_given_weights_are_where_every_run_starts(data: Path, tmp_path: Path) -> None:
    given = build_network("mlp-a:8-6", 3, (1, 4, 4), 99).state_dict()
    save_file(given, tmp_path / "given.safetensors")
    words = [*TINY_OPTIONS, "--m", "2", "--data", str(data), "--out", str(tmp_path / "run"),
             "--init", str(tmp_path / "given.safetensors"),
             "--recipe", "paper", "--learning-rate", "1e-12", "--rewind", "initial"]  # fmt: skip
    assert run(["build", *words]) == 0
    for history in RunDirectory(tmp_path / "run").histories():
        first, last = (history.rounds[k].load() for k in (0, 2))
        for key, value in first.network.state_dict().items():
            torch.testing.assert_close(value, given[key], atol=1e-6, rtol=0)
        kept = given["fc1.weight"][last.masks["fc1"]]
        torch.testing.assert_close(
            last.network.get_parameter("fc1.weight"), kept, atol=1e-6, rtol=0
        )
