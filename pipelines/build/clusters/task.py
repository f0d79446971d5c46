"""A task: the next round of one group, as a value that any worker may compute, twice if need be.

What it computes is all in it and in the data: a worker keeps nothing and writes nothing.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ensemble.storage.sealed import canonical_json, sha256_of
from pipelines.build.device import on
from pipelines.build.group_training import Notice, rounds_of, warnings_noticed
from pipelines.build.round_times import RoundClock, RoundTimes
from pipelines.run.fingerprint import versions
from pipelines.run.machine import vector_units, worker_name
from pipelines.run.member_files import MemberShape, TensorBytes, TensorFile, packed
from pipelines.run.plan import Group
from pipelines.run.records import RoundRecord
from pipelines.run.resolved import ResolvedConfig
from pruning.core.errors import MachineError
from pruning.core.threads import threads
from pruning.data.splits import Split, Splits


@dataclass(frozen=True, eq=False)
class RoundTask:
    """The next round of a group.

    Attributes
    ----------
    name
        A hash of all that it computes: run, data, group, and the networks it starts from.
    resolved
        What the build was asked, and settled.
    group
        Which runs.
    start
        The last round that its runs share, with the networks as bytes; empty before round 0.
    versions
        Of the packages that are to compute it.
    teaching
        The unpruned networks that teach, with the networks as bytes.
    """

    name: str
    resolved: ResolvedConfig
    group: Group
    start: tuple[RoundRecord, ...]
    versions: Mapping[str, str]
    teaching: tuple[RoundRecord, ...] = ()

    @classmethod
    def of(
        cls,
        resolved: ResolvedConfig,
        group: Group,
        shared: Sequence[RoundRecord],
        teaching: Sequence[RoundRecord] = (),
    ) -> RoundTask:
        """Return what follows on a round that is kept."""
        start = tuple(_as_bytes(record, resolved.member_shape) for record in shared)
        taught = tuple(_as_bytes(record, resolved.member_shape) for record in teaching)
        packages = versions()
        content = {
            "run": sha256_of(canonical_json(resolved.to_json())),
            "group": group.to_json(),
            "start": [[record.id, _checksum(record)] for record in start],
            "versions": packages,
        }
        if taught:
            content["teaching"] = [[record.id, _checksum(record)] for record in taught]
        name = sha256_of(canonical_json(content))
        return cls(name, resolved, group, start, packages, taught)

    @property
    def round(self) -> int:
        """The round that it trains."""
        return self.start[0].round + 1 if self.start else 0

    def __str__(self) -> str:
        """Say which it is."""
        runs = self.group.runs.numbers
        return f"round {self.round} of run {runs[0]}" + (f" to {runs[-1]}" if runs[1:] else "")


@dataclass(frozen=True, eq=False)
class RoundResult:
    """What a worker made of a task.

    Attributes
    ----------
    name
        Of the task.
    records
        The round of each run that still went on, with the networks as bytes; empty where none
        did: the group has ended.
    took
        Seconds and epochs.
    notices
        What was unusual.
    worker
        Who computed it: host and process.
    vector_units
        What its processor's products were computed with.
    """

    name: str
    records: tuple[RoundRecord, ...]
    took: RoundTimes
    notices: tuple[Notice, ...]
    worker: str
    vector_units: str


def train_round(task: RoundTask, splits: Splits) -> RoundResult:
    """Train a task's round; a worker calls this.

    Raises
    ------
    MachineError
        If this machine's packages are not those of the machine that asks, which would give
        other networks.
    """
    check_versions(task.versions, versions())
    kind, group = task.resolved.device, task.group
    notices: list[Notice] = []
    with threads(group.threads), on(kind):  # a worker of many threads waits
        clock = RoundClock(kind, len(splits.train), task.round)
        with clock.stages("files"):
            start = [record.load() for record in task.start]
            teaching = [record.load() for record in task.teaching]
        with warnings_noticed(clock, notices.append):
            rounds = rounds_of(
                task.resolved.config, group, start, teaching, splits, kind, clock,
                lambda _round, _epoch, runs: _count(clock, runs), notices.append,
            )  # fmt: skip
            members = next(rounds, ())
        with clock.stages("files"):
            shape = task.resolved.member_shape
            records = tuple(packed(member, shape) for member in members)
        took = clock.taken()
    return RoundResult(task.name, records, took, tuple(notices), worker_name(), vector_units())


def check_versions(asked: Mapping[str, str], here: Mapping[str, str]) -> None:
    """Refuse to compute with other packages than the machine that asks; Python's may differ.

    >>> check_versions({"torch": "2.13.0", "python": "3.12.9"}, {"torch": "2.13.0"})
    """
    other = [
        f"{name} {here.get(name)}, not {wanted}"
        for name, wanted in asked.items()
        if name != "python" and here.get(name) != wanted
    ]
    if other:
        raise MachineError(
            f"the worker {worker_name()} has {'; '.join(other)}, and would not make the same "
            "networks; install the same on every worker, start it again, and give the same command"
        )


def trained_on(splits: Splits) -> Splits:
    """Return the data that workers need: training and validation; the other parts stay here."""
    none = Split(splits.test.images[:0], splits.test.labels[:0])
    train, val = (
        Split(_in_memory(part.images), part.labels) for part in (splits.train, splits.val)
    )
    return dataclasses.replace(splits, train=train, val=val, select=none, test=none, notes=())


def _in_memory(images: NDArray[Any]) -> NDArray[Any]:
    """Return the same numbers as an ordinary array, also where a file is mapped."""
    return images.view(np.ndarray)


def _count(clock: RoundClock, runs: Sequence[int]) -> None:
    clock.epoch(runs)


def _as_bytes(record: RoundRecord, shape: MemberShape) -> RoundRecord:
    """Return the record with its network as bytes, as they are kept where they are in a file."""
    file = record.source
    if isinstance(file, TensorFile):
        return dataclasses.replace(record, source=TensorBytes(file.read(), file.sizes, shape))
    return packed(record.load(), shape)


def _checksum(record: RoundRecord) -> str:
    if not isinstance(record.source, TensorBytes):
        raise TypeError(f"{record.id} has no bytes")
    return sha256_of(record.source.data)
