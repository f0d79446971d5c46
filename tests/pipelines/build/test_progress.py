from __future__ import annotations

import io

import pytest
from rich.console import Console

from pipelines.build.progress import (
    EpochDone,
    RoundDone,
    Tally,
    event_from_json,
)
from pipelines.build.watching import LiveWatcher, PlainWatcher


class _Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def _tally(clock: _Clock, **changes: object) -> Tally:
    values: dict[str, object] = {"runs": 2, "fraction": 0.5, "keep": 0.25, "kappa": 0.9}
    return Tally(**(values | changes), clock=clock)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "event", [EpochDone(1, 2, 3), RoundDone(1, (0, 3), (0.5, 0.4), (0.9, 0.8), (3,))]
)
def test_events_survive_the_file(event: EpochDone | RoundDone) -> None:
    assert event_from_json(event.to_json()) == event


def test_time_left_is_the_work_left_at_the_pace_so_far() -> None:
    clock = _Clock()
    tally = _tally(clock)  # rounds 0, 1, 2 with work 1.25, 0.5, 0.3125
    clock.now = 10.0
    tally.add(RoundDone(0, (0, 1), (1.0, 1.0), (0.9, 0.9)))
    assert tally.seconds_left == pytest.approx(10 * 2 * (0.5 + 0.3125) / 2.5)
    assert tally.share == pytest.approx(2.5 / (2.5 + 2 * 0.8125))


def test_a_run_that_fell_below_kappa_has_nothing_left() -> None:
    tally = _tally(_Clock())
    tally.add(RoundDone(0, (0, 1), (1.0, 1.0), (0.9, 0.9)))
    tally.add(RoundDone(1, (0, 1), (0.5, 0.5), (0.8, 0.89)))
    assert tally.left[0] == 0
    assert tally.left[1] > 0
    tally.add(RoundDone(2, (1,), (0.25,), (0.89,)))
    assert tally.share == 1


def test_what_an_earlier_command_finished_is_not_to_do() -> None:
    clock = _Clock()
    tally = _tally(clock)
    tally.restored(0, 1, 0.9)
    assert tally.left[0] == pytest.approx(0.3125)
    assert tally.seconds_left is None


def test_no_terminal_gets_a_line_a_round() -> None:
    text = io.StringIO()
    watcher = PlainWatcher(_tally(_Clock()), Console(file=text, width=200))
    with watcher:
        watcher.saw(EpochDone(0, 0, 2))
        watcher.saw(RoundDone(0, (0, 1), (1.0, 1.0), (0.9, 0.8), (1,)))
    assert text.getvalue() == (
        "0:00  round 0, 2 runs 0…1: 100% of the units, "
        "val accuracy 0.850 (0.800 to 0.900); never left chance: run 1\n"
    )


def test_a_terminal_gets_a_table_that_fills() -> None:
    text = io.StringIO()
    clock = _Clock()
    console = Console(file=text, width=100, force_terminal=True, _environ={"TERM": "xterm"})
    with LiveWatcher(_tally(clock), console) as watcher:
        clock.now = 5.0
        watcher.saw(RoundDone(0, (0, 1), (1.0, 1.0), (0.9, 0.8)))
        watcher.saw(EpochDone(1, 3, 2))
        watcher.tick()
        watcher.live.refresh()
    shown = text.getvalue()
    assert "0.850 (0.800 to 0.900)" in shown
    assert "round 1, epoch 4" in shown
    assert "0:05 gone, at most about 0:03 left" in shown
