"""What a card is asked for, tried out without one: a small network on made-up photos."""

from __future__ import annotations

import importlib
import json
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from pruning.dropnet.aim import Aim
from pruning.networks.architecture import build_network
from pruning.surgery import find_groups

FOLDER = Path(__file__).resolve().parents[1] / "benchmarks" / "accuracy"
SHAPE = (3, 32, 32)
CLASSES, TRAIN, TEST = 3, 90, 60


@pytest.fixture
def card(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(FOLDER))
    return importlib.import_module("card")


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Noise that is brighter in one channel, the class's own."""
    rng = np.random.default_rng(0)
    parts: dict[str, np.ndarray] = {}
    for suffix, count in (("", TRAIN), ("_test", TEST)):
        y = rng.permutation(np.arange(count) % CLASSES)
        x = rng.integers(0, 200, (count, 3, 32, 32), dtype=np.uint8)
        x[np.arange(count), y] += 25
        parts |= {f"X{suffix}": x, f"y{suffix}": y}
    path = tmp_path / "photos.npz"
    np.savez(path, allow_pickle=False, **parts)
    return path


def _measured(
    card: ModuleType, photos: Path, monkeypatch: pytest.MonkeyPatch, *words: str
) -> list[dict[str, Any]]:
    out = photos.parent / "card.jsonl"
    work = photos.parent / "work"
    given = ("card.py", photos, work, "--device", "cpu", "--epochs", "1", "--out", out, *words)
    monkeypatch.setattr("sys.argv", [str(word) for word in given])
    card.main()
    return [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]


def test_a_job_is_measured_once_and_its_teams_keep_to_their_limits(
    card: ModuleType,
    photos: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    arch = "conv-c4:4-4-8-8-16"
    jobs = {
        "pruned": card.Job(arch, 6, cost=0.5, control=True),
        "whole": card.Job(arch, 2),
    }
    monkeypatch.setattr(card, "JOBS", jobs)
    pruned, whole = _measured(card, photos, monkeypatch, "--jobs", "pruned,whole")
    assert [found["round"] for found in whole["rounds"]] == [0]
    assert "curve" not in whole

    shares = [found["flops"] for found in pruned["rounds"]]
    assert shares[0] == 1 and shares == sorted(shares, reverse=True) and shares[-1] <= 0.5
    assert {"all_unpruned", "selected", "control", "small_team"} <= {
        f["contender"] for f in pruned["contenders"]
    }
    spent = [found["flops_ratio"] for found in pruned["curve"]]
    limits = 5 / 6 / 1.5 ** np.arange(len(spent))
    assert (np.array(spent[:-1]) <= limits[:-1] + 1e-9).all()
    assert spent[-1] == min(spent) <= 0.5 * 5 / 6
    price = pruned["price_of_one"]
    assert price["flops_ratio"] <= 1 / 6 + 1e-9 and price["bytes_ratio"] <= 1 / 6 + 1e-9
    for found in (*pruned["curve"], price):
        value, low, high = found["against"]["all_unpruned"]
        everyone = next(f for f in pruned["contenders"] if f["contender"] == "all_unpruned")
        assert low <= value <= high
        assert value == pytest.approx(found["accuracy"] - everyone["accuracy"])
    said = capsys.readouterr().out
    assert "at the price of one" in said and "left out" not in said

    monkeypatch.setattr(card, "build", None)  # what stands there is not measured again
    assert _measured(card, photos, monkeypatch, "--jobs", "pruned,whole") == [pruned, whole]


def test_nothing_begins_after_the_time(
    card: ModuleType,
    photos: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (photos.parent / "card.jsonl").touch()
    assert _measured(card, photos, monkeypatch, "--seconds", "-1") == []
    assert capsys.readouterr().out.count("left out, no time") == len(card.JOBS)


def test_every_job_asks_for_what_its_network_can_come_to(card: ModuleType) -> None:
    for job in card.JOBS.values():
        target = job.config().of_each_run.target
        network = build_network(job.arch, 10, SHAPE, 0)
        if aim := Aim.of(target, network, SHAPE):
            aim.check(network, find_groups(network, SHAPE))
