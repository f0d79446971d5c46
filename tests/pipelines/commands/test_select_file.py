"""``ensemble select FILE.npz --out``: what the folder says, and what ``compare`` says of it."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from pipelines.commands.cli import run


@pytest.fixture
def chosen(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    labels = np.arange(120) % 3
    raw = np.exp(rng.normal(size=(5, 120, 3)) + 2 * np.eye(3)[labels])
    np.savez(
        tmp_path / "mine.npz", labels=labels, probabilities=raw / raw.sum(-1, keepdims=True),
        names=["a net", "b", "c", "d, e", "f"], latency=np.arange(1, 6) / 1000,
    )  # fmt: skip
    out = tmp_path / "chosen"
    assert run(["select", str(tmp_path / "mine.npz"), "--s", "3", "--out", str(out)]) == 0
    return out


def test_candidates_name_their_members_and_sum_their_seconds(chosen: Path) -> None:
    rows = list(csv.DictReader((chosen / "candidates.csv").read_text().splitlines()))
    names = ["a net", "b", "c", "d, e", "f"]
    assert len(rows) == 10
    for row in rows:
        team = [int(member) for member in row["team"].split()]
        assert row["members"].split("; ") == [names[member] for member in team]
        assert float(row["latency"]) == pytest.approx(sum(member + 1 for member in team) / 1000)


def test_compare_says_what_such_a_folder_is(
    chosen: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    assert run(["compare", str(chosen)]) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert "a choice from predictions made elsewhere" in err
    assert str(chosen / "candidates.csv") in err
