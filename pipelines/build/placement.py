"""Where the groups of a build train: here, in worker processes, on one card or several, elsewhere.

Groups are placed whole.
"""

from __future__ import annotations

import contextlib
import functools
import math
import os
import secrets
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures.process import BrokenProcessPool
from typing import Any

import joblib

from pipelines.build.clusters.cluster import opened
from pipelines.build.clusters.driving import train_on_cluster
from pipelines.build.clusters.task import trained_on
from pipelines.build.device import Devices, devices_for, on
from pipelines.build.events import Tell, append_event, shown_from_file, shown_from_queue
from pipelines.build.group_training import train_group
from pipelines.build.watching import Watcher
from pipelines.build.workers import end_with, replaced_unsaid, shared_folder, start_workers
from pipelines.run.plan import Group
from pipelines.run.records import RoundRecord, RunHistory
from pipelines.run.resources import Placement
from pipelines.run.store import Store
from pruning.core.errors import MachineError
from pruning.data.splits import Splits

Task = tuple[Group, Sequence[RunHistory]]
"""A group, and what is known of its runs already."""

AT_ONCE = 0.0
"""A time after which no round begins that is over: round 0 alone is trained."""

_SAFE_PATH = "PYTHONSAFEPATH"

ONE_AT_A_TIME = Placement(jobs=1)
"""One group after another, in this process."""


def train_groups(
    store: Store,
    histories: Sequence[RunHistory],
    splits: Splits,
    placement: Placement,
    watcher: Watcher,
    devices: Devices | None = None,
    until: float = math.inf,
) -> tuple[RunHistory, ...]:
    """Train every group to its end, and return the history of every run.

    Parameters
    ----------
    store
        Keeps the rounds.
    histories
        What it holds already: training goes on from there.
    splits
        The data.
    placement
        Where groups are computed.
    watcher
        Told of every epoch and round.
    devices
        What computes; of several cards each gets groups of its own, and a process. None takes
        what the run was resolved for. A cluster's workers take whichever of the kind they have.
    until
        When no further round begins, by `time.time`; every run has its round 0 all the same.
    """
    unpruned: tuple[RoundRecord, ...] = ()
    if store.resolved.config.dropnet.teaching.teacher == "ensemble":
        # All teach all: nobody is pruned before everybody's round 0 is kept.
        histories = _train_groups(store, histories, splits, placement, watcher, devices, AT_ONCE)
        unpruned = tuple(history.rounds[0] for history in histories)
    return _train_groups(store, histories, splits, placement, watcher, devices, until, unpruned)


def _train_groups(
    store: Store,
    histories: Sequence[RunHistory],
    splits: Splits,
    placement: Placement,
    watcher: Watcher,
    devices: Devices | None,
    until: float,
    unpruned: Sequence[RoundRecord] = (),
) -> tuple[RunHistory, ...]:
    resolved = store.resolved
    devices = devices or devices_for("auto", resolved.device)
    known = {history.run: history for history in histories}
    tasks: list[Task] = [
        (group, [known[run] for run in group.runs.numbers if run in known])
        for group in resolved.groups
    ]
    if placement.on_cluster:
        connection = opened(placement, trained_on(splits), devices.kind, watcher.say)
        found = train_on_cluster(store, tasks, connection, watcher, until, unpruned)
        return _in_order(found)
    on_cards = devices.kind == "cuda"
    work = dealt(tasks, devices.names) if on_cards else [("cpu", [task]) for task in tasks]
    # A worker takes seconds to start: what is one share is trained here.
    one_per_card = on_cards and placement.backend != "sequential"
    jobs = len(work) if one_per_card else min(placement.processes, len(work))
    watcher.tally.at_a_time = jobs
    every = placement.checkpoint_every
    if jobs == 1:
        with shown_from_queue(watcher) as tell:
            return _in_order(
                [_train_on(*share, store, splits, tell, until, unpruned, every) for share in work]
            )
    return _in_order(_in_workers(work, store, splits, watcher, jobs, until, unpruned, every))


def _in_order(found: Iterable[Iterable[RunHistory]]) -> tuple[RunHistory, ...]:
    trained = (history for group in found for history in group)
    return tuple(sorted(trained, key=lambda history: history.run))


@contextlib.contextmanager
def _own_path_only() -> Iterator[None]:
    """Let worker processes import what this one does: not a ``random.py`` of the current folder.

    They are started by ``python -m``, which looks there first.
    """
    before = os.environ.get(_SAFE_PATH)
    os.environ[_SAFE_PATH] = "1"
    try:
        yield
    finally:
        if before is None:
            del os.environ[_SAFE_PATH]
        else:
            os.environ[_SAFE_PATH] = before


def _in_workers(
    work: Sequence[tuple[str, list[Task]]],
    store: Store,
    splits: Splits,
    watcher: Watcher,
    jobs: int,
    until: float,
    unpruned: Sequence[RoundRecord],
    every: float,
) -> list[Any]:
    """Train shares of groups in joblib's processes."""
    shared = shared_folder()
    events = shared / f"events-{secrets.token_hex(8)}.jsonl"
    tell = functools.partial(append_event, events)
    train = functools.partial(_train_in_worker, os.getpid())
    pool = joblib.Parallel(
        n_jobs=jobs, backend="loky", batch_size=1, max_nbytes="1M", temp_folder=str(shared)
    )
    try:
        with shown_from_file(events, watcher), _own_path_only(), replaced_unsaid(), pool as workers:
            start_workers(workers, jobs)
            return _unless_killed(
                lambda: workers(
                    joblib.delayed(train)(*share, store, splits, tell, until, unpruned, every)
                    for share in work
                )
            )
    finally:
        events.unlink(missing_ok=True)


def _train_in_worker(parent: int, *share: Any) -> tuple[RunHistory, ...]:
    end_with(parent)
    return _train_on(*share)


def _unless_killed(work: Callable[[], list[tuple[RunHistory, ...]]]) -> list[Any]:
    """Return what workers made; say in a line where the system ended one of them."""
    try:
        return work()
    except BrokenProcessPool as error:
        raise MachineError(
            "a worker process was ended from outside, most likely as memory ran out; the same "
            "command goes on where it stopped: give it fewer jobs"
        ) from error


def dealt(tasks: Sequence[Task], cards: Sequence[str]) -> list[tuple[str, list[Task]]]:
    """Deal groups to cards, the fullest first and each to the card that has the fewest runs.

    Only cards that got a group are returned, and each has its groups in the order of the plan.
    """
    runs = [len(group.runs.numbers) for group, _ in tasks]
    hands: list[list[int]] = [[] for _ in cards]
    for index in sorted(range(len(tasks)), key=runs.__getitem__, reverse=True):
        min(hands, key=lambda hand: sum(runs[held] for held in hand)).append(index)
    return [
        (card, [tasks[index] for index in sorted(hand)])
        for card, hand in zip(cards, hands, strict=True)
        if hand
    ]


def _train_on(
    device: str,
    tasks: Sequence[Task],
    store: Store,
    splits: Splits,
    tell: Tell,
    until: float,
    unpruned: Sequence[RoundRecord],
    every: float,
) -> tuple[RunHistory, ...]:
    """Train groups one after another on a device; the unit of work of a worker."""
    with on(device):
        found = [
            train_group(store, *task, splits, tell, device, until, unpruned, every)
            for task in tasks
        ]
    return tuple(history for group in found for history in group)
