"""What a build asks of a cluster; how a task is placed, moved and retried is the cluster's."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Protocol

from ensemble.installed import way_to
from pipelines.build.clusters.task import RoundResult, RoundTask
from pipelines.run.resources import Placement
from pruning.core.errors import MachineError, RequestError
from pruning.data.splits import Splits


class Cluster(Protocol):
    """Workers that are there, and somebody who hands them tasks."""

    workers: int
    """How many there are as the build begins; more may come, and some go."""

    def submit(self, task: RoundTask) -> None:
        """Hand over a task; a worker that dies on it costs nothing but time."""

    def next_result(self) -> RoundResult:
        """Wait for a task that is done, and return what came of it.

        Raises
        ------
        MachineError
            Where the cluster is gone, or a task ended several workers.
        """


Tell = Callable[[str], None]

LOOK_SECONDS = 5.0
"""So often somebody looks, while nothing is done, whether the cluster is there."""

HOW = {"scheduler": ("dask", "distributed", "dask_cluster"), "ray": ("ray", "ray", "ray_cluster")}
"""Option → the extra for it, the package that this brings, and the file that speaks to it."""


def ended_workers(task: RoundTask) -> MachineError:
    """Return what is said of a task that every worker died of."""
    return MachineError(
        f"{task} ended every worker that took it, most likely as memory ran out; the same command "
        "goes on where it stopped: give the workers more memory"
    )


def opened(
    placement: Placement, splits: Splits, device: str, tell: Tell
) -> AbstractContextManager[Cluster]:
    """Return the cluster that a placement names, with the data sent to it once.

    Parameters
    ----------
    placement
        Names one.
    splits
        What workers train on.
    device
        ``cpu`` or ``cuda``, on which every task takes one card.
    tell
        Told, in a line, what happens to the cluster.

    Raises
    ------
    RequestError
        If its package is not installed, or nobody answers at the address.
    """
    check_installed(placement)
    named = placement.cluster
    assert named is not None
    option, address = named
    *_, file = HOW[option]
    module = importlib.import_module(f"pipelines.build.clusters.{file}")
    found: AbstractContextManager[Cluster] = module.connected(address, splits, device, tell)
    return found


def check_installed(placement: Placement) -> None:
    """Raise `RequestError` where a cluster is named whose package is not here."""
    if placement.cluster is None:
        return
    option, address = placement.cluster
    extra, package, _ = HOW[option]
    try:
        importlib.import_module(package)
    except ImportError as error:
        raise RequestError(
            f"`{option}` {address!r}: {package} is not installed; {way_to(extra)}"
        ) from error
