"""``ensemble archs``: what there is and what it costs; and what a slip is told."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from pipelines.commands.cli import run
from pruning.inference.cost import count_cost
from pruning.networks.architecture import NETWORKS, build_network
from pruning.networks.torchvision_models import classifiers
from pruning.surgery.listing import listed


def _rows(text: str) -> dict[str, list[str]]:
    """Return the lines of the table by their first word, prefixes of numbers joined to them."""
    lines = [line.replace("\u202f", "").split() for line in text.splitlines() if line.strip()]
    return {words[0]: words[1:] for words in lines}


def test_every_architecture_has_a_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    assert run(["archs", "--data", "digits"]) == 0
    out = capsys.readouterr().out
    rows = _rows(out)
    assert rows.keys() >= set(NETWORKS)
    # 64·40+40, 40·40+40, 40·10+10 parameters; 2 FLOPs for each of the 4,560 products
    assert rows["mlp-a"] == ["9.12k", "4.65k", "80", "none"]
    assert rows["vgg16"] == ["–", "–", "–"]  # it wants 32×32
    assert "ensemble check NAME --input 1x8x8 says why" in out
    assert all(name.partition(":")[2] in out for name in classifiers())
    assert max(map(len, out.splitlines())) <= 80


def test_named_ones_alone_with_widths_and_weights(capsys: pytest.CaptureFixture[str]) -> None:
    names = ["torchvision:squeezenet1_1", "mlp-a:8-4"]
    assert run(["archs", *names, "--input", "3x64x64", "--classes", "3"]) == 0
    out = capsys.readouterr().out
    rows = _rows(out)
    assert rows["torchvision:squeezenet1_1"][-1] == "IMAGENET1K_V1"
    assert rows["mlp-a:8-4"][2:] == ["12", "none"]
    assert "conv-b" not in rows


def test_a_listed_cost_is_that_of_the_network_that_is_built() -> None:
    (row,) = listed(["conv-b"], (1, 12, 8), 7)
    assert row.cost == count_cost(build_network("conv-b", 7, (1, 12, 8), seed=3), (1, 12, 8))
    assert row.units == 128


def test_own_data_say_the_sample_and_the_classes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rng = np.random.default_rng(0)
    np.savez(tmp_path / "rows.npz", X=rng.normal(size=(60, 7)), y=np.arange(60) % 3)
    assert run(["archs", "mlp-a:5-4", "--data", str(tmp_path / "rows.npz")]) == 0
    out = capsys.readouterr().out
    assert "one sample of 7, 3 classes" in out
    assert _rows(out)["mlp-a:5-4"][1] == str(7 * 5 + 5 + 5 * 4 + 4 + 4 * 3 + 3)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["resnet50"], "did you mean 'torchvision:resnet50'?"),
        (["mobilenet_v3_smal"], "did you mean 'torchvision:mobilenet_v3_small'?"),
        (["torchvison:resnet18"], "did you mean 'torchvision:resnet18'?"),
        (["torchvision:resnt18"], "did you mean 'resnet18'?"),
        (["resnet-20"], "did you mean 'resnet20'?"),
        (["mlpa:60-60"], "did you mean 'mlp-a:60-60'?"),
        (["torchvision"], "did you mean 'torchvision:NAME'?"),
        (["conv-c4", "--input", "20"], "conv-c4 needs images of at least 16×16"),
        (["--input", "3x"], "--input 3x must be sizes joined by x, such as 3x64x64"),
        (["--input", "9" * 5000], "must be sizes joined by x, such as 3x64x64"),
        (
            ["--input", "3x4096x4096"],
            "--input 3x4096x4096 holds 50,331,648 numbers; allowed are 16,777,216 at most",
        ),
        (["mlp-a", "--classes", "20000000"], "--classes 20,000,000: allowed are 200,000 at most"),
        (["mlp-a:9-30000000"], "a layer of 30,000,000 units; allowed are 1,048,576 at most"),
        (["--input", "64", "--data", "digits"], "--input and --data both say what a sample is"),
        (["--limit", "30"], "--limit belongs to --data; name the data, or leave it out"),
        (["--data", "digit"], "unknown data set 'digit'; did you mean 'digits'"),
    ],
)
def test_a_slip_is_told_in_one_line(
    words: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["archs", *words]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert said in err
    assert err.count("\n") == 1


def test_a_check_is_bounded_alike(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["check", "mlp-a", "--input", "1x8x8", "--classes", "20000000"]) == 2
    assert "--classes 20,000,000: allowed are 200,000 at most" in capsys.readouterr().err
    assert run(["check", "mlp-a:30000000-9", "--input", "1x8x8"]) == 2
    assert "allowed are 1,048,576 at most" in capsys.readouterr().err


@pytest.mark.parametrize("words", [["--arch", "resnet50"], ["--arch", "torchvison:resnet50"]])
def test_a_build_is_told_the_same(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["build", *words]) == 2
    assert "did you mean 'torchvision:resnet50'?" in capsys.readouterr().err


@pytest.mark.parametrize(("shape", "said"), [("32x32x3", True), ("3x2x3", False)])
def test_channels_given_last_are_turned(
    shape: str, said: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["archs", "--input", shape]) == 0
    assert ("channels come first: --input 3x32x32" in capsys.readouterr().out) is said
