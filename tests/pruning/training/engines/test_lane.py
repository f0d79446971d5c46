"""A lane on a card, whose calls are stood in for; on a processor it does as it is told."""

from __future__ import annotations

import contextlib
from collections.abc import Callable

import pytest
import torch

from pruning.training.engines.lane import REHEARSALS, EngineWarning, Lane

CARD = torch.device("cuda")


class _Graph:
    """Notes what becomes of it."""

    made: list[_Graph]

    def __init__(self) -> None:
        self.told: list[str] = []
        _Graph.made.append(self)

    def capture_begin(self, pool: object, capture_error_mode: str) -> None:
        self.told.append(f"begin {pool} {capture_error_mode}")

    def capture_end(self) -> None:
        self.told.append("end")

    def replay(self) -> None:
        self.told.append("replay")


class _Stream:
    """Notes in one list which stream was told to wait for which."""

    waits: list[tuple[str, str]]

    def __init__(self, name: object) -> None:
        self.name = str(name)

    def wait_stream(self, other: _Stream) -> None:
        _Stream.waits.append((self.name, other.name))


@pytest.fixture
def lane(monkeypatch: pytest.MonkeyPatch) -> Lane:
    _Graph.made, _Stream.waits = [], []
    monkeypatch.setattr(torch.cuda, "Stream", lambda device: _Stream("lane"))
    monkeypatch.setattr(torch.cuda, "current_stream", lambda device: _Stream("current"))
    monkeypatch.setattr(torch.cuda, "graph_pool_handle", lambda: "pool")
    monkeypatch.setattr(torch.cuda, "stream", lambda stream: contextlib.nullcontext())
    monkeypatch.setattr(torch.cuda, "synchronize", lambda device: None)
    monkeypatch.setattr(torch.cuda, "CUDAGraph", _Graph)
    return Lane(CARD)


def _failing(error: Exception) -> Callable[[], None]:
    def work() -> None:
        raise error

    return work


def test_work_is_rehearsed_recorded_once_and_then_replayed(lane: Lane) -> None:
    done: list[str] = []
    again = lane.recorded(lambda: done.append("work"), lambda: done.append("rehearsal"))
    assert done == ["rehearsal"] * REHEARSALS + ["work"]
    again()
    again()
    assert done.count("work") == 1
    assert _Graph.made[0].told == ["begin pool thread_local", "end", "replay", "replay"]


def test_what_waits_for_the_card_is_done_as_it_is_called(lane: Lane) -> None:
    work = _failing(RuntimeError("operation not permitted\nwhen stream is capturing"))
    with pytest.warns(EngineWarning, match="kernel by kernel.*: operation not permitted$"):
        again = lane.recorded(work, lambda: None)
    assert again is work
    assert _Graph.made[0].told[-1] == "end"


def test_too_little_memory_is_for_the_training_loop_to_mend(lane: Lane) -> None:
    with pytest.raises(torch.OutOfMemoryError):
        lane.recorded(_failing(torch.OutOfMemoryError("CUDA out of memory")), lambda: None)
    assert _Graph.made[0].told[-1] == "end"


def test_nothing_is_read_before_it_is_written_nor_freed_before_it_is_read(lane: Lane) -> None:
    with lane.used():
        assert _Stream.waits == [("lane", "current")], "a lane that nobody began begins by itself"
    with lane.used():
        assert len(_Stream.waits) == 1
    lane.end()
    assert _Stream.waits[1:] == [("current", "lane")]
    lane.begin()
    with lane.used():
        assert len(_Stream.waits) == 3, "once after each end"


def test_on_a_processor_work_is_rehearsed_and_done_as_it_comes() -> None:
    done: list[str] = []
    lane = Lane(torch.device("cpu"))
    work = lane.recorded(lambda: done.append("work"), lambda: done.append("rehearsal"))
    assert done == ["rehearsal"]
    lane.begin()
    with lane.used():
        work()
    lane.end()
    assert done == ["rehearsal", "work"]
