"""What a build tells while it runs, and how much of its work is done and left."""

from __future__ import annotations

import dataclasses
import math
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from pipelines.build.round_times import RoundTimes
from pipelines.run.resolved import ResolvedConfig
from pruning.dropnet.fit import likely_rounds
from pruning.dropnet.member import held
from pruning.networks.architecture import build_network
from pruning.training.training_loop import EpochHook

PACE_SECONDS = 15.0
"""Over so long a time the pace is taken."""
EVERY = 10
"""Seconds between two lines on how far a control has come, at least."""

Tell = Callable[[str], None]
"""Shows the user a line."""


@dataclass(frozen=True)
class EpochDone:
    """One epoch of one group: its round, its number, the runs and images that trained in it."""

    round: int
    epoch: int
    runs: int
    images: int = 0

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return dataclasses.asdict(self)


@dataclass(frozen=True)
class RoundDone:
    """One finished round of one group: its runs with their units left and accuracy.

    `took` says what it took; None where nobody measured.
    """

    round: int
    runs: tuple[int, ...]
    remaining: tuple[float, ...]
    val_accuracy: tuple[float, ...]
    collapsed: tuple[int, ...] = ()
    took: RoundTimes | None = None

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return dataclasses.asdict(self)


@dataclass(frozen=True)
class Halved:
    """So many networks of one group were too many for a device's memory; half of them go on."""

    round: int
    networks: int
    half: int

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return dataclasses.asdict(self)


@dataclass(frozen=True)
class Slower:
    """One group's engine goes on without what makes it fast, and why."""

    round: int
    why: str

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return dataclasses.asdict(self)


Event = EpochDone | RoundDone | Halved | Slower


def event_from_json(content: dict[str, Any]) -> Event:
    """Return the event that ``to_json`` wrote."""
    if "epoch" in content:
        return EpochDone(**content)
    if "half" in content:
        return Halved(**content)
    if "why" in content:
        return Slower(**content)
    number, took = content.pop("round"), content.pop("took")
    return RoundDone(
        number,
        **{name: tuple(values) for name, values in content.items()},
        took=took and RoundTimes.from_json(took),
    )


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
    seconds
        Of each stage of the rounds done, added up over the groups.
    at_a_time
        Groups that train side by side.
    teachers
        Unpruned networks that answer in each step of a pruned round; one takes a third of what
        training it takes.
    perturbs
        Whether samples are moved for that: by one more answer with its way back, and the pruned
        network takes each twice.
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
    seconds: dict[str, float] = field(default_factory=dict)
    at_a_time: int = 1
    teachers: int = 0
    perturbs: bool = False

    def __post_init__(self) -> None:
        self.started = self.clock()
        self._passed: deque[tuple[float, int]] = deque([(self.started, 0)])
        to_keep = math.log(max(self.keep, 0.01)) / math.log(1 - self.fraction)
        self.last = min(math.ceil(to_keep), math.inf if self.rounds is None else self.rounds)
        self.left = {run: self._work_after(-1) for run in range(self.runs)}

    @classmethod
    def of(cls, resolved: ResolvedConfig) -> Tally:
        """Return the tally of a build that has not begun."""
        config, dropnet = resolved.config, resolved.config.of_each_run
        most = 1 if config.pruner == "datafree" else _likely_rounds(resolved)
        teachers = {"none": 0, "own": 1, "ensemble": config.m}[dropnet.teaching.teacher]
        return cls(
            config.m, dropnet.fraction, dropnet.least_kept, dropnet.least_held, most,
            teachers=teachers, perturbs=dropnet.teaching.perturb > 0,
        )  # fmt: skip

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
            self.done += self.work(event.round)
            self.baseline.setdefault(run, accuracy)
            still = held(event.round, accuracy, self.baseline[run], self.kappa)
            over = not still or share <= self.keep or event.round >= self.last
            self.left[run] = 0.0 if over else self._work_after(event.round)
        for stage, seconds in (event.took.seconds if event.took else {}).items():
            self.seconds[stage] = self.seconds.get(stage, 0.0) + seconds

    def add_epoch(self, event: EpochDone) -> None:
        """Count the images of an epoch."""
        now = self.clock()
        self._passed.append((now, self._passed[-1][1] + event.images))
        while self._passed[1][0] < now - PACE_SECONDS:
            self._passed.popleft()

    @property
    def pace(self) -> float:
        """Training images a second, over all members, of late; 0 before the first epoch."""
        (then, before), (now, images) = self._passed[0], self._passed[-1]
        return (images - before) / (now - then) if now > then else 0.0

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

    def work(self, round_index: int) -> float:
        """Return what a run's round is expected to cost, in a unit of its own."""
        share = (1 - self.fraction) ** round_index
        own = share * share
        taught = self.teachers / 3 + (own + 2 / 3 if self.perturbs else 0)
        return own + 0.25 + (taught if round_index else 0)

    def _work_after(self, round_index: int) -> float:
        return sum(self.work(k) for k in range(round_index + 1, int(self.last) + 1))


def _likely_rounds(resolved: ResolvedConfig) -> int | None:
    """Return about how many rounds of pruning the longest run of a build takes."""
    asked, shape = resolved.config.of_each_run, resolved.input_shape
    if not asked.target.given:
        return asked.rounds
    groups = {group.runs.arch: group for group in resolved.groups}  # one of each architecture
    found = (
        likely_rounds(
            build_network(arch, len(resolved.classes), shape, resolved.config.seed),
            shape,
            group.settings(resolved.config),
        )
        for arch, group in groups.items()
    )
    return max((rounds for rounds in found if rounds is not None), default=None)


class Tenths:
    """Tells how many epochs are done, at each tenth of them, `EVERY` seconds apart at least."""

    def __init__(self, tell: Tell, who: str, epochs: int) -> None:
        self._tell, self._who, self._epochs = tell, who, epochs
        self._last, self._tenth = time.monotonic(), 0

    def after(self, before: int) -> EpochHook:
        """Return what is called after each epoch, with its number after those before."""
        return lambda epoch, _rows: self._done(before + epoch + 1)

    def _done(self, epochs: int) -> None:
        now, tenth = time.monotonic(), 10 * epochs // self._epochs
        if tenth > self._tenth and now - self._last >= EVERY:
            self._last, self._tenth = now, tenth
            self._tell(f"{self._who}: {epochs} of {self._epochs} epochs")
