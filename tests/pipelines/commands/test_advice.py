"""What a user may well type, and the advice that commands give: it works when it is followed."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest
from pipeline_support import TINY_OPTIONS, fails, write_images

from pipelines.commands.cli import run

NETS = """
from torch import nn

def nothing():
    return nn.Sequential(nn.Flatten(), nn.Linear(16, 6), nn.ReLU(), nn.Linear(6, 3))

def sized(classes=3, shape=(1, 4, 4)):
    return nn.Sequential(nn.Flatten(), nn.Linear(16, 6), nn.ReLU(), nn.Linear(6, classes))
"""


@pytest.mark.parametrize("make", ["nothing", "sized"])
def test_a_factory_need_not_take_the_size(
    make: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / f"nets_{make}.py").write_text(NETS)
    monkeypatch.chdir(tmp_path)
    assert run(["check", f"nets_{make}:{make}", "--input", "1x4x4", "--classes", "3"]) == 0


def test_wrong_widths_are_quoted_as_they_were_given(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = str(write_images(tmp_path / "tiny.npz"))
    asked = ["build", "--data", data, "--arch", "conv-b:8-6-4", "--out", str(tmp_path / "run")]
    for control in ([], ["--control"]):
        assert "8-6-4" in fails(capsys, *asked, *control)


def test_the_command_that_comes_next_can_be_pasted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data, out = str(write_images(tmp_path / "tiny.npz")), str(tmp_path / "a run")
    assert run(["build", "--data", data, *TINY_OPTIONS, "--out", out]) == 0
    for asked in (None, ["select", out, "--s", "1", "--out", str(tmp_path / "an other")]):
        if asked:
            assert run(asked) == 0
        compared, trained, compared_again = (_followed(capsys) for _ in range(3))
        assert compared[0] == "compare"
        assert compared_again == compared
        assert (trained[0], trained[-1]) == ("build", "--control")
        assert "next: " not in capsys.readouterr().out


def _followed(capsys: pytest.CaptureFixture[str]) -> list[str]:
    """Run the command that the last one said comes next, and return its words."""
    line = capsys.readouterr().out.strip().splitlines()[-1]
    word, *advised = shlex.split(line.removeprefix("next: "))
    assert word == "ensemble"
    assert run(advised) == 0
    return advised


def test_a_build_that_goes_on_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data, out = str(write_images(tmp_path / "tiny.npz")), str(tmp_path / "run")
    asked = ["build", "--data", data, *TINY_OPTIONS, "--out", out]
    assert run([*asked, "--time-limit", "1e-9"]) == 0
    assert "goes on" not in capsys.readouterr().err
    assert run(asked) == 0
    assert "goes on where it stopped, with 4 trained networks" in capsys.readouterr().err
    assert run(asked) == 0
    assert "goes on" not in capsys.readouterr().err
