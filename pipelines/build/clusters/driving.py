"""A build on a cluster: which tasks are due, and what becomes of their results.

The machine that gives the command alone writes the run. It keeps a round as soon as a worker has
sent it, and what is due next follows from what is kept, as it does when a build goes on: so a
worker that dies costs the rounds that it was training, and a cluster that dies no more.
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Any

from pipelines.build.clusters.cluster import Cluster
from pipelines.build.clusters.task import RoundResult, RoundTask
from pipelines.build.events import shown_from_queue
from pipelines.build.group_training import (
    keep_ends,
    noting,
    round_done,
    round_line,
    shared_round,
    teachers,
)
from pipelines.build.progress import RoundDone
from pipelines.build.watching import Watcher
from pipelines.run.machine import vector_units
from pipelines.run.plan import Group
from pipelines.run.records import RoundRecord, RunHistory
from pipelines.run.store import Store
from pruning.core.errors import RequestError
from pruning.dropnet.rewinding import LATE
from pruning.networks.architecture import architecture_name


def check_named(store: Store) -> None:
    """Refuse networks that are given themselves: workers build them from their names."""
    for arch in store.resolved.config.archs:
        if not isinstance(arch, str):
            raise RequestError(
                f"workers of a cluster build architectures from their names, and "
                f"{architecture_name(arch)!r} is given itself; name it module:factory, and put the "
                "module where the workers can import it"
            )


def train_on_cluster(
    store: Store,
    tasks: Sequence[tuple[Group, Sequence[RunHistory]]],
    connection: AbstractContextManager[Cluster],
    watcher: Watcher,
    until: float = math.inf,
    unpruned: Sequence[RoundRecord] = (),
) -> tuple[tuple[RunHistory, ...], ...]:
    """Train every group to its end by a cluster's workers; return their histories.

    Parameters
    ----------
    store
        Keeps the rounds; only this process writes to it.
    tasks
        The groups, with what is known of their runs.
    connection
        Opens the cluster.
    watcher
        Told of every round.
    until
        When no further round is handed over, by `time.time`.
    unpruned
        The members of an ensemble that teaches.
    """
    check_named(store)
    with connection as cluster, shown_from_queue(watcher) as tell:
        watcher.tally.at_a_time = max(1, cluster.workers)
        work = _Work(store, cluster, vector_units(), until, unpruned)
        for group, earlier in tasks:
            work.begin(group, earlier)
        while work.waiting:
            result = cluster.next_result()
            if result.name not in work.waiting:
                continue  # computed twice: it is kept already
            group = work.waiting.pop(result.name)
            if line := work.other_processor(result):
                watcher.say(line)
            for notice in result.notices:
                noting(store, group, tell)(notice)
            if done := work.keep(group, result):
                tell(done)
        return tuple(tuple(work.histories[group].values()) for group, _ in tasks)


class _Work:
    """What is kept of each group, and which task of it a worker has."""

    def __init__(
        self,
        store: Store,
        cluster: Cluster,
        units: str,
        until: float,
        unpruned: Sequence[RoundRecord],
    ) -> None:
        self.store, self.cluster, self.units = store, cluster, units
        self.histories: dict[Group, dict[int, RunHistory]] = {}
        self.waiting: dict[str, Group] = {}
        self._others: set[str] = set()
        self._until, self._unpruned = until, unpruned

    def begin(self, group: Group, earlier: Sequence[RunHistory]) -> None:
        """Hand over a group's first task."""
        self.histories[group] = {history.run: history for history in earlier}
        self._submit(group)

    def keep(self, group: Group, result: RoundResult) -> RoundDone | None:
        """Keep a round, hand over the group's next task, and return what is told of the round.

        None where there is none: the group has ended.
        """
        own = self.histories[group]
        members = [record.load() for record in result.records]
        for member in members:
            own[member.run] = self.store.keep_round(member, own.get(member.run))
        keep_ends(self.store, own, members)
        # A build that was stopped here in mid-round may have left them.
        self.store.forget_trainings(group.runs.numbers, but=[LATE] if members else [])
        if not members:
            return None
        placed: dict[str, Any] = {"task": result.name, "worker": result.worker}
        self.store.note("round", round_line(group, members, result.took) | placed)
        self._submit(group)
        return round_done(members, result.took)

    def other_processor(self, result: RoundResult) -> str:
        """Return a line, once for each kind, where a worker's products may differ in a bit."""
        kind = result.vector_units
        if kind == self.units or kind in self._others:
            return ""
        self._others.add(kind)
        return (
            f"the worker {result.worker} computes with {kind}, this machine with {self.units}: its "
            "networks may differ from this machine's in their last bits"
        )

    def _submit(self, group: Group) -> None:
        known = tuple(self.histories[group].values())
        start = shared_round(known, group, self.store.resolved)
        if start and time.time() >= self._until:
            return
        resolved = self.store.resolved
        teaching = teachers(resolved, known, self._unpruned) if start else ()
        task = RoundTask.of(resolved, group, start, teaching)
        self.waiting[task.name] = group
        self.cluster.submit(task)
