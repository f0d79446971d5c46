from __future__ import annotations

import dataclasses
import io
import json

import pytest
from rich.console import Console

from pipelines.build.progress import (
    EpochDone,
    Event,
    Halved,
    RoundDone,
    Slower,
    Tally,
    event_from_json,
)
from pipelines.build.round_times import RoundTimes
from pipelines.build.watching import LiveWatcher, PlainWatcher, Watcher

TOOK = RoundTimes({"training": 2.0, "files": 0.5}, 3, 6, 2400, "a processor")


class _Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def _tally(clock: _Clock, **changes: object) -> Tally:
    values: dict[str, object] = {"runs": 2, "fraction": 0.5, "keep": 0.25, "kappa": 0.9}
    return Tally(**(values | changes), clock=clock)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "event",
    [
        EpochDone(1, 2, 3, 400),
        RoundDone(1, (0, 3), (0.5, 0.4), (0.9, 0.8), (3,)),
        RoundDone(1, (0, 3), (0.5, 0.4), (0.9, 0.8), took=TOOK),
        RoundDone(0, (0,), (1.0,), (0.9,), took=dataclasses.replace(TOOK, peak_bytes=2**40)),
        Halved(2, 20, 10),
        Slower(1, "no compiler is here"),
    ],
)
def test_events_survive_the_file(event: Event) -> None:
    assert event_from_json(json.loads(json.dumps(event.to_json()))) == event


def test_time_left_is_the_work_left_at_the_pace_so_far() -> None:
    clock = _Clock()
    tally = _tally(clock)  # rounds 0, 1, 2 with work 1.25, 0.5, 0.3125
    clock.now = 10.0
    tally.add(RoundDone(0, (0, 1), (1.0, 1.0), (0.9, 0.9)))
    assert tally.seconds_left == pytest.approx(10 * 2 * (0.5 + 0.3125) / 2.5)
    assert tally.share == pytest.approx(2.5 / (2.5 + 2 * 0.8125))
    taught = _tally(clock, teachers=6)  # each pruned round asks all six: 2 more
    taught.add(RoundDone(0, (0, 1), (1.0, 1.0), (0.9, 0.9)))
    assert taught.share == pytest.approx(2.5 / (2.5 + 2 * (0.8125 + 2 * 2)))
    moved = _tally(clock, teachers=6, perturbs=True)  # 2/3 to move, each sample taken once more
    moved.add(RoundDone(0, (0, 1), (1.0, 1.0), (0.9, 0.9)))
    more = 2 * 2 / 3 + 0.25 + 0.0625
    assert moved.share == pytest.approx(2.5 / (2.5 + 2 * (0.8125 + 2 * 2 + more)))


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


def test_the_pace_is_of_all_members_of_late() -> None:
    clock = _Clock()
    tally = _tally(clock)
    assert tally.pace == 0
    for now, images in ((2.0, 400), (4.0, 200), (4.0, 200)):
        clock.now = now
        tally.add_epoch(EpochDone(0, 0, 2, images))
    assert tally.pace == pytest.approx(800 / 4)
    for second in range(60):
        clock.now = 5.0 + second
        tally.add_epoch(EpochDone(0, 1, 2, 30))
    assert tally.pace == pytest.approx(30)
    clock.now += 100.0  # an epoch longer than the time that is looked at
    tally.add_epoch(EpochDone(0, 2, 2, 1000))
    assert tally.pace == pytest.approx(10)


def test_seconds_of_stages_add_up_over_the_groups() -> None:
    tally = _tally(_Clock())
    for run in (0, 1):
        tally.add(RoundDone(0, (run,), (1.0,), (0.9,), took=TOOK))
    tally.add(RoundDone(1, (0,), (0.5,), (0.9,)))
    assert tally.seconds == {"training": 4.0, "files": 1.0}


def test_images_a_second_stand_in_a_line_a_round_and_below_the_table() -> None:
    text = io.StringIO()
    with PlainWatcher(_tally(_Clock()), Console(file=text, width=200)) as plain:
        plain.saw(RoundDone(0, (0, 1), (1.0, 1.0), (0.9, 0.8), took=TOOK))
    assert text.getvalue().endswith("0.850 (0.800 to 0.900); 1,200 images/s\n")
    text, clock = io.StringIO(), _Clock()
    console = Console(file=text, width=100, force_terminal=True, _environ={"TERM": "xterm"})
    with LiveWatcher(_tally(clock), console) as live:
        clock.now = 4.0
        live.saw(EpochDone(0, 0, 2, 100_000))
        live.tick()
        live.live.refresh()
    assert "round 0, epoch 1, 25,000 images/s" in text.getvalue()


def test_a_population_that_was_halved_is_said_once_in_a_line() -> None:
    said = (
        "round 0: 20 networks at once are too many for the device's memory: going on with 10; "
        "equal bytes are no longer promised"
    )
    events = [Halved(0, 20, 10), Halved(1, 20, 10)]
    text = io.StringIO()
    with PlainWatcher(_tally(_Clock()), Console(file=text, width=60)) as plain:
        for event in (*events, Halved(1, 10, 5)):
            plain.saw(event)
    assert text.getvalue().splitlines()[0] == said
    assert text.getvalue().count("\n") == 2
    text = io.StringIO()
    console = Console(file=text, width=300, force_terminal=True, _environ={"TERM": "xterm"})
    with LiveWatcher(_tally(_Clock()), console) as live:
        for event in events:
            live.saw(event)
    assert text.getvalue().count(said) == 1
    silent = Watcher(_tally(_Clock()))
    with pytest.warns(UserWarning, match="20 networks at once") as warned:
        for event in events:
            silent.saw(event)
    assert len(warned) == 1
