"""What a build tells while it runs, and two ways of showing it."""

from __future__ import annotations

import dataclasses
import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.padding import Padding
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from pruning.dropnet.member import held


@dataclass(frozen=True)
class EpochDone:
    """One epoch of one group: its round, its number, and how many runs trained in it."""

    round: int
    epoch: int
    runs: int

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return dataclasses.asdict(self)


@dataclass(frozen=True)
class RoundDone:
    """One finished round of one group: its runs with their units left and accuracy."""

    round: int
    runs: tuple[int, ...]
    remaining: tuple[float, ...]
    val_accuracy: tuple[float, ...]
    collapsed: tuple[int, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return dataclasses.asdict(self)


Event = EpochDone | RoundDone


def event_from_json(content: dict[str, Any]) -> Event:
    """Return the event that ``to_json`` wrote."""
    if "epoch" in content:
        return EpochDone(**content)
    number = content.pop("round")
    return RoundDone(number, **{name: tuple(values) for name, values in content.items()})


@dataclass
class Tally:
    """Work done and left, from the events so far.

    Work is counted in run-rounds, each weighted by the cost of a network with that share
    of its units left; a run is expected to go on to its last possible round, so the time
    left is an upper estimate.

    Attributes
    ----------
    runs
        M.
    fraction, keep, rounds
        DropNet's p, its smallest share of units, and its most rounds (None: no limit).
    kappa
        DropNet's κ.
    """

    runs: int
    fraction: float
    keep: float
    kappa: float
    rounds: int | None = None
    clock: Callable[[], float] = time.monotonic
    by_round: dict[int, list[tuple[float, float]]] = field(default_factory=dict)
    done: float = 0.0
    baseline: dict[int, float] = field(default_factory=dict)
    ended: set[int] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.started = self.clock()
        to_keep = math.log(max(self.keep, 0.01)) / math.log(1 - self.fraction)
        self.last = min(math.ceil(to_keep), math.inf if self.rounds is None else self.rounds)
        self.left = {run: self._work_after(-1) for run in range(self.runs)}

    def restored(self, run: int, round_index: int, baseline: float) -> None:
        """Count a round that an earlier command finished."""
        self.baseline[run] = baseline
        self.left[run] = self._work_after(round_index)

    def add(self, event: RoundDone) -> None:
        """Count a finished round."""
        rows = self.by_round.setdefault(event.round, [])
        for run, share, accuracy in zip(
            event.runs, event.remaining, event.val_accuracy, strict=True
        ):
            rows.append((share, accuracy))
            self.done += self._work(event.round)
            self.baseline.setdefault(run, accuracy)
            still = held(event.round, accuracy, self.baseline[run], self.kappa)
            over = not still or share <= self.keep or event.round >= self.last
            self.left[run] = 0.0 if over else self._work_after(event.round)

    @property
    def elapsed(self) -> float:
        """Seconds since the display began."""
        return self.clock() - self.started

    @property
    def share(self) -> float:
        """Share of the expected work that is done, in 0..1."""
        left = sum(self.left.values())
        return self.done / (self.done + left) if self.done + left else 1.0

    @property
    def seconds_left(self) -> float | None:
        """Upper estimate, or None before the first round is done."""
        return self.elapsed * sum(self.left.values()) / self.done if self.done else None

    def _work(self, round_index: int) -> float:
        share = (1 - self.fraction) ** round_index
        return share * share + 0.25

    def _work_after(self, round_index: int) -> float:
        return sum(self._work(k) for k in range(round_index + 1, int(self.last) + 1))


class Watcher:
    """Shows nothing; the base of what does."""

    def __init__(self, tally: Tally) -> None:
        self.tally = tally

    def __enter__(self) -> Watcher:
        return self

    def __exit__(self, *error: object) -> None:
        """Stop showing."""

    def saw(self, event: Event) -> None:
        """Take note of an event."""
        if isinstance(event, RoundDone):
            self.tally.add(event)

    def tick(self) -> None:
        """Be called a few times a second."""


class PlainWatcher(Watcher):
    """A line a finished round of a group: for files and pipes."""

    def __init__(self, tally: Tally, console: Console) -> None:
        super().__init__(tally)
        self.console = console

    def saw(self, event: Event) -> None:
        """Print a line when a round is done."""
        super().saw(event)
        if not isinstance(event, RoundDone):
            return
        first, last = event.runs[0], event.runs[-1]
        runs = f"run {first}" if first == last else f"{len(event.runs)} runs {first}…{last}"
        left = sum(event.remaining) / len(event.remaining)
        line = (
            f"{clock_text(self.tally.elapsed)}  round {event.round}, {runs}: "
            f"{left:.0%} of the units, val accuracy {spread_text(list(event.val_accuracy))}"
        )
        if event.collapsed:
            line += f"; never left chance: run {', '.join(map(str, event.collapsed))}"
        self.console.print(line, highlight=False, soft_wrap=True)


class LiveWatcher(Watcher):
    """A table of the rounds that fills while the build runs: for terminals."""

    def __init__(self, tally: Tally, console: Console) -> None:
        super().__init__(tally)
        self.now: EpochDone | None = None
        self.live = Live(self._picture(), console=console, refresh_per_second=8)

    def __enter__(self) -> LiveWatcher:
        """Start to draw."""
        self.live.start()
        return self

    def __exit__(self, *error: object) -> None:
        """Leave the last picture on the screen."""
        self.now = None
        self.live.update(self._picture())
        self.live.stop()

    def saw(self, event: Event) -> None:
        """Redraw with what is new."""
        super().saw(event)
        if isinstance(event, EpochDone):
            self.now = event

    def tick(self) -> None:
        """Redraw the clock."""
        self.live.update(self._picture())

    def _picture(self) -> RenderableType:
        table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
        for name in ("round", "runs", "units left", "val accuracy"):
            table.add_column(name, justify="right" if name != "val accuracy" else "left")
        for index, rows in sorted(self.tally.by_round.items()):
            left = sum(share for share, _ in rows) / len(rows)
            accuracy = spread_text([value for _, value in rows])
            table.add_row(str(index), str(len(rows)), f"{left:.0%}", accuracy)
        tally = self.tally
        status = f"{clock_text(tally.elapsed)} gone"
        if tally.seconds_left:
            status += f", at most about {clock_text(tally.seconds_left)} left"
        if self.now:
            status += f"   round {self.now.round}, epoch {self.now.epoch + 1}"
        # A bar alone does not end its line.
        bar = Padding(ProgressBar(total=1.0, completed=tally.share, width=48), 0)
        return Group(table, Text(), bar, Text(status, style="dim"))


def clock_text(seconds: float) -> str:
    """Return a duration as people write it.

    >>> clock_text(7.4), clock_text(95), clock_text(3725)
    ('0:07', '1:35', '1:02:05')
    """
    whole = round(seconds)
    hours, rest = divmod(whole, 3600)
    minutes, left = divmod(rest, 60)
    return f"{hours}:{minutes:02d}:{left:02d}" if hours else f"{minutes}:{left:02d}"


def spread_text(values: list[float]) -> str:
    """Return the mean and the range of some accuracies.

    >>> spread_text([0.5, 0.75])
    '0.625 (0.500 to 0.750)'
    """
    mean = sum(values) / len(values)
    if len(values) == 1:
        return f"{mean:.3f}"
    return f"{mean:.3f} ({min(values):.3f} to {max(values):.3f})"
