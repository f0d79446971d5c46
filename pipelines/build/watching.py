"""Ways of showing a build while it runs: not at all, line by line, or as a table that fills."""

from __future__ import annotations

import math
import warnings

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.padding import Padding
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from pipelines.build.progress import EpochDone, Event, Halved, RoundDone, Tally
from pruning.training.halving import halved_text


class Watcher:
    """Shows nothing, but warns of what was not promised; the base of what shows more."""

    def __init__(self, tally: Tally) -> None:
        self.tally = tally
        self._said: set[str] = set()

    def __enter__(self) -> Watcher:
        return self

    def __exit__(self, *error: object) -> None:
        """Stop showing."""

    def saw(self, event: Event) -> None:
        """Take note of an event; what happens alike in every round is said once."""
        if isinstance(event, RoundDone):
            self.tally.add(event)
        elif isinstance(event, EpochDone):
            self.tally.add_epoch(event)
        else:
            text = (
                halved_text(event.networks, event.half) if isinstance(event, Halved) else event.why
            )
            if text not in self._said:
                self._said.add(text)
                self.say(f"round {event.round}: {text}")

    def say(self, line: str) -> None:
        """Say something unusual."""
        warnings.warn(line, stacklevel=2)

    def tick(self) -> None:
        """Be called a few times a second."""


class PlainWatcher(Watcher):
    """A line per finished round of a group: for files and pipes."""

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
        if event.took and event.took.images_per_second:
            line += f"; {pace_text(event.took.images_per_second)}"
        self.say(line)

    def say(self, line: str) -> None:
        """Print a line."""
        self.console.print(line, highlight=False, markup=False, soft_wrap=True)


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

    def say(self, line: str) -> None:
        """Print a line above the table."""
        self.live.console.print(line, highlight=False, markup=False, soft_wrap=True)

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
        if self.now and tally.pace:
            status += f", {pace_text(tally.pace)}"
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


def pace_text(images_per_second: float) -> str:
    """Return how many images train in a second, to three digits.

    >>> pace_text(85312.7), pace_text(7.218)
    ('85,300 images/s', '7.22 images/s')
    """
    digits = 2 - math.floor(math.log10(images_per_second))
    return f"{round(images_per_second, digits):,.{max(0, digits)}f} images/s"


def spread_text(values: list[float]) -> str:
    """Return the mean and the range of some accuracies.

    >>> spread_text([0.5, 0.75])
    '0.625 (0.500 to 0.750)'
    """
    mean = sum(values) / len(values)
    if len(values) == 1:
        return f"{mean:.3f}"
    return f"{mean:.3f} ({min(values):.3f} to {max(values):.3f})"
