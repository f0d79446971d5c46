"""When a state between two epochs is kept, and that a build goes on without."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest
from pipeline_support import tiny_config, write_images

from pipelines.build.checkpoints import LEAST_BETWEEN, GroupCheckpoints
from pipelines.build.story import build
from pipelines.run.directory import RunDirectory
from pipelines.run.store import TrainingOf
from pruning.training.checkpoint import TrainingState
from pruning.training.trained import Trained


class _Slow:
    """A store that takes so long for a state, or has no room for it."""

    def __init__(self, clock: list[float], seconds: float, *, full: bool = False) -> None:
        self.clock, self.seconds, self.full = clock, seconds, full
        self.kept: list[float] = []
        self.noted: list[str] = []

    def keep_training(self, of: TrainingOf, state: TrainingState) -> None:
        if self.full:
            raise OSError(28, "No space left on device")
        self.kept.append(self.clock[0])
        self.clock[0] += self.seconds

    def note(self, what: str, content: object) -> None:
        self.noted.append(what)


def _offered(
    monkeypatch: pytest.MonkeyPatch, epoch: float, every: float, takes: float, **more: bool
) -> _Slow:
    clock = [0.0]
    monkeypatch.setattr("pipelines.build.checkpoints.time.monotonic", lambda: clock[0])
    store = _Slow(clock, takes, **more)
    checkpoints = GroupCheckpoints(store, (0,), {}, 0, every)  # type: ignore[arg-type]
    for _ in range(100):
        clock[0] += epoch
        checkpoints.offer("0", lambda: TrainingState(1, (0,), [Trained()]))
    return store


def test_a_state_is_kept_every_so_many_seconds_and_a_twentieth_of_the_time_at_most(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert _offered(monkeypatch, 1, 30, 0).kept == [30, 60, 90]
    assert len(_offered(monkeypatch, 1, 0, 1).kept) == 100
    kept = _offered(monkeypatch, 1, 10, 2).kept
    assert kept[0] == 10
    assert [b - a for a, b in itertools.pairwise(kept)] == [
        LEAST_BETWEEN * 2 + 2,
        LEAST_BETWEEN * 2 + 2,
    ]


def test_a_round_goes_on_where_there_is_no_room_for_its_state(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert _offered(monkeypatch, 1, 0, 0, full=True).noted == ["not kept"]


def test_a_short_round_writes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept: list[object] = []
    monkeypatch.setattr(RunDirectory, "keep_training", lambda self, *given: kept.append(given))
    build(tiny_config(write_images(tmp_path / "tiny.npz")), out=tmp_path / "run")
    assert not kept
