"""When a long training is kept between two epochs, and what it goes on from: a round, a control.

A round that takes less than `Placement.checkpoint_every` seconds writes nothing.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence

from pipelines.run.member_files import TensorFile
from pipelines.run.records import RoundRecord, RunHistory
from pipelines.run.store import Store, TrainingOf
from pruning.dropnet.rewinding import LATE
from pruning.training.checkpoint import TrainingState

LEAST_BETWEEN = 20
"""Times as long as a state takes to write passes before the next is: a twentieth goes to it."""


class GroupCheckpoints:
    """The states of one group's trainings, in a store; the `Checkpoints` that they are given.

    Parameters
    ----------
    store
        Where they are kept.
    runs
        The numbers of the group's runs, or of a control's networks.
    histories
        The rounds of the group's runs that are kept, by run; as they are while it trains.
    first
        The round that it trains first.
    every
        Seconds of a round after which its state is kept, and from then on between two states.
    after
        The networks that it depends on besides: those that teach the group, where all teach
        all; the team that a control is one of.
    """

    def __init__(
        self,
        store: Store,
        runs: Sequence[int],
        histories: Mapping[int, RunHistory],
        first: int,
        every: float,
        after: Sequence[RoundRecord] = (),
    ) -> None:
        self._store, self._runs, self._histories = store, tuple(runs), histories
        self._after = after
        self._every = self._wait = every
        self._round = first
        self._began = self._last = time.monotonic()

    def kept(self, name: str) -> TrainingState | None:
        """Return what a training of this name goes on from, and note that it does."""
        state = self._store.training(self._of(name))
        if state and state.rows:
            self._note("went on", {"training": name, "epoch": state.epoch})
        return state

    def offer(self, name: str, state: Callable[[], TrainingState | None]) -> None:
        """Keep a training's state if the last one is old enough."""
        began = time.monotonic()
        if began - self._last < self._wait:
            return
        self._write(name, state())
        self._last = time.monotonic()
        if self._every:
            self._wait = max(self._wait, LEAST_BETWEEN * (self._last - began))

    def finished(self, name: str, state: TrainingState) -> None:
        """Keep what a training has come to, if its round has been long."""
        if time.monotonic() - self._began >= self._every:
            self._write(name, state)

    def round_kept(self) -> None:
        """Forget the states of the round that is kept now; the next begins."""
        self._store.forget_trainings(self._runs, but=[LATE])
        self._round, self._wait = self._round + 1, self._every
        self._began = self._last = time.monotonic()

    def ended(self) -> None:
        """Forget all: the group has been trained to its end."""
        self._store.forget_trainings(self._runs)

    def _write(self, name: str, state: TrainingState | None) -> None:
        """Write a state; where there is no room for it, the round goes on without."""
        if state is None:
            return
        try:
            self._store.keep_training(self._of(name), state)
        except OSError as error:
            self._wait = math.inf
            self._note("not kept", {"training": name, "error": str(error.strerror)})

    def _note(self, what: str, content: Mapping[str, object]) -> None:
        self._store.note(what, {"group": list(self._runs), "round": self._round, **content})

    def _of(self, name: str) -> TrainingOf:
        """Return which training it is: late weights follow on nothing but the run itself."""
        last = self._round - 1
        before = [
            record
            for history in self._histories.values()
            for record in history.rounds
            if record.round <= last and record.round in (0, last)
        ]
        start = {
            record.id: record.source.sha256
            for record in (*before, *self._after)
            if name != LATE and isinstance(record.source, TensorFile)
        }
        return TrainingOf(self._runs, name, start)
