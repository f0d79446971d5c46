"""Training the groups of a build, here or in worker processes.

Groups are placed whole. A worker stores each finished round itself, so that a stopped
build loses at most one round a group, and tells of its progress in an append-only file.
"""

from __future__ import annotations

import dataclasses
import json
import os
import tempfile
import threading
from collections.abc import Sequence
from pathlib import Path

import joblib

from pipelines.build.device import threads
from pipelines.build.progress import EpochDone, Event, RoundDone, Watcher, event_from_json
from pipelines.run.directory import RunDirectory
from pipelines.run.plan import Group
from pruning.data.splits import Splits
from pruning.datafree.members import datafree
from pruning.dropnet import dropnet
from pruning.dropnet.member import Member


def train_groups(
    run: RunDirectory,
    groups: Sequence[Group],
    splits: Splits,
    *,
    jobs: int,
    backend: str,
    watcher: Watcher,
) -> None:
    """Train every group to its end, going on from what the run already holds.

    Parameters
    ----------
    run
        Where rounds are kept.
    groups
        From the run's root.
    splits
        The data.
    jobs
        Groups at a time. On CUDA one process holds the device, one group at a time.
    backend
        A joblib backend for `jobs` beyond 1.
    watcher
        Told of every epoch and round.
    """
    if run.root.device == "cuda":
        jobs = 1
    with tempfile.TemporaryDirectory(prefix="ensemble-") as scratch:
        events = Path(scratch) / "events.jsonl"
        events.touch()
        stop = threading.Event()
        reader = threading.Thread(target=_follow, args=(events, stop, watcher), daemon=True)
        reader.start()
        try:
            joblib.Parallel(n_jobs=jobs, backend=backend, batch_size=1, max_nbytes="1M")(
                joblib.delayed(train_group)(run.path, group, splits, events) for group in groups
            )
        finally:
            stop.set()
            reader.join()


def train_group(path: Path, group: Group, splits: Splits, events: Path) -> None:
    """Train one group to its end; the unit of work of a worker."""
    run = RunDirectory(path)
    config = run.root.config
    start = run.last_members(group)

    def on_epoch(round_index: int, epoch: int, runs: list[int]) -> None:
        _tell(events, EpochDone(round_index, epoch, len(runs)))

    with threads(group.threads):
        once = dataclasses.replace(config.dropnet, rounds=0)
        merged = config.pruner == "datafree"
        rounds = dropnet(
            group.runs, splits, once if merged else config.dropnet,
            start=start, device=run.root.device, engine=group.engine, on_epoch=on_epoch,
        )  # fmt: skip
        if merged:
            rounds = datafree(rounds, splits, config.merging, start=start)
        for members in rounds:
            run.store(members)
            _tell(events, _summary(members))


def _summary(members: tuple[Member, ...]) -> RoundDone:
    return RoundDone(
        round=members[0].round,
        runs=tuple(member.run for member in members),
        remaining=tuple(member.remaining for member in members),
        val_accuracy=tuple(member.val_accuracy for member in members),
        collapsed=tuple(member.run for member in members if member.collapsed),
    )


def _tell(events: Path, event: Event) -> None:
    """Append one line; a single write to a file opened for appending is not interleaved."""
    line = json.dumps(event.to_json()) + "\n"
    handle = os.open(events, os.O_WRONLY | os.O_APPEND)
    try:
        os.write(handle, line.encode())
    finally:
        os.close(handle)


def _follow(events: Path, stop: threading.Event, watcher: Watcher) -> None:
    with events.open(encoding="utf-8") as lines:
        pending = ""
        while True:
            ended = stop.is_set()
            pending += lines.read()
            *whole, pending = pending.split("\n")
            for line in whole:
                watcher.saw(event_from_json(json.loads(line)))
            if ended:
                return
            watcher.tick()
            stop.wait(0.2)
