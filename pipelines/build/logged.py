"""A build's beginning and end in its log: what computes, what is gone on from, where time went."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any

from pipelines.build.device import Devices
from pipelines.build.round_times import seconds_line
from pipelines.run.fingerprint import versions
from pipelines.run.machine import device_name, processor_name
from pipelines.run.records import RunHistory
from pipelines.run.resources import Placement
from pipelines.run.store import Store
from pruning.core.stages import Stages

LEAST_TOLD = 0.01
"""Stages that took a smaller share are not worth a word."""


@contextmanager
def logged(
    store: Store,
    earlier: Sequence[RunHistory],
    placement: Placement,
    devices: Devices,
    stages: Stages,
) -> Iterator[dict[str, float]]:
    """Note that a build begins, and how it ends; yield what holds its seconds afterwards.

    Parameters
    ----------
    store
        Whose log.
    earlier
        What it holds already.
    placement
        How many of its groups are computed at a time.
    devices
        Where.
    stages
        Count its seconds, from before the log began.
    """
    seconds: dict[str, float] = {}
    store.note_begin(_beginning(store, earlier, placement, devices))
    try:
        yield seconds
    except BaseException as error:
        # A disk that is full has ended the build, and takes no line either.
        with suppress(OSError):
            store.note("stopped", {"error": type(error).__name__} | seconds_line(stages.taken()))
        raise
    seconds |= stages.taken()
    store.note("ended", seconds_line(seconds))


def time_text(seconds: Mapping[str, float]) -> str:
    """Return where the time went, in a line.

    >>> time_text({"training": 8.1, "scoring": 0.6, "files": 1.3, "data": 0.01, "other": 0.0})
    'training 81%, files 13%, scoring 6%'
    """
    total = sum(seconds.values())
    ordered = sorted(seconds.items(), key=lambda item: -item[1])
    return ", ".join(
        f"{name.replace('_', ' ')} {taken / total:.0%}"
        for name, taken in ordered
        if taken >= LEAST_TOLD * total > 0
    )


def _placed(placement: Placement) -> dict[str, Any]:
    """Return where the groups train; an address may name its user's password, and is left out."""
    if placement.on_cluster:
        return {"cluster": "dask" if placement.scheduler else "ray"}
    return {"jobs": placement.processes, "backend": placement.backend}


def _beginning(
    store: Store, earlier: Sequence[RunHistory], placement: Placement, devices: Devices
) -> dict[str, Any]:
    resolved = store.resolved
    kept = {str(history.run): history.rounds[-1].round for history in earlier}
    return {
        "versions": versions(),
        "devices": {name: device_name(name) for name in devices.names},
        "processor": processor_name(),
        "cores": os.cpu_count(),
        **_placed(placement),
        "groups": [list(group.runs.numbers) for group in resolved.groups],
        "last_rounds": kept,
    }
