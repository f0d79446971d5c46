"""What a build tells while it runs, and how much of its work is done and left."""

from __future__ import annotations

import dataclasses
import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

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
