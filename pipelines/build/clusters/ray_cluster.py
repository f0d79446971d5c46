"""Tasks on a Ray cluster, by its own client: Ray places them, and retries those of lost workers."""

from __future__ import annotations

import contextlib
import logging
import os
import socket
from collections.abc import Iterator
from typing import Any

from pipelines.build.clusters.cluster import LOOK_SECONDS, Tell, ended_workers
from pipelines.build.clusters.task import RoundResult, RoundTask, train_round
from pruning.core.errors import MachineError, RequestError
from pruning.data.splits import Splits

CONNECT_SECONDS = 10
"""Time for the head to take a connection, whenever it is looked for."""


@contextlib.contextmanager
def connected(address: str, splits: Splits, device: str, tell: Tell) -> Iterator[RayCluster]:
    """Yield the cluster at `address`, one that this process has joined already included."""
    # Read when Ray is imported: it would wait 40 seconds, twenty times, for a head that went while
    # it was being joined.
    os.environ.setdefault("RAY_NUM_REDIS_GET_RETRIES", "1")
    import ray
    from ray.exceptions import RayError

    joined = ray.is_initialized()
    if not joined:
        try:
            _reach(_head_of(address.removeprefix("ray://")))
            ray.init(address=address, log_to_driver=False, logging_level=logging.CRITICAL)
        except (RayError, OSError, ValueError, RuntimeError) as error:
            why = " ".join(str(error).split()).partition(". ")[0]
            raise RequestError(
                f"`ray` {address!r}: no Ray cluster takes us there ({why}); start one with `ray "
                "start --head`, and give auto on one of its machines, or ray://HOST:10001"
            ) from error
    try:
        yield RayCluster(ray, address, splits, device, tell)
    finally:
        if not joined:
            with contextlib.suppress(Exception):
                ray.shutdown()


class RayCluster:
    """A `Cluster` by Ray's client, the package of that name."""

    def __init__(self, ray: Any, address: str, splits: Splits, device: str, tell: Tell) -> None:
        self._ray, self._address, self._tell, self._waits = ray, address, tell, False
        self._cards = 1 if device == "cuda" else 0
        self._tasks: dict[Any, RoundTask] = {}
        with self._reaching():
            self._head = _head_of(ray.get_runtime_context().gcs_address)
            self._remote = ray.remote(train_round)
            self._data = ray.put(splits)
            self.workers = self._slots()

    def submit(self, task: RoundTask) -> None:
        """Hand over a task; it takes as many cores as its group has threads, and a card on CUDA."""
        with self._reaching():
            reference = self._remote.options(
                name=task.name, num_cpus=task.group.threads, num_gpus=self._cards
            ).remote(task, self._data)
        self._tasks[reference] = task

    def next_result(self) -> RoundResult:
        """Wait for a task that is done; see `cluster.Cluster`."""
        while True:
            with self._reaching():
                done, _ = self._ray.wait(list(self._tasks), num_returns=1, timeout=LOOK_SECONDS)
            if not done:
                self._look()
                continue
            task = self._tasks.pop(done[0])
            with self._reaching():
                return self._result_of(task, done[0])

    def _result_of(self, task: RoundTask, reference: Any) -> RoundResult:
        try:
            result: RoundResult = self._ray.get(reference)
            return result
        except self._ray.exceptions.RayTaskError as error:
            cause = error.cause
            if isinstance(cause, ModuleNotFoundError):
                raise MachineError(
                    f"a worker of the Ray cluster {self._address} cannot import {cause.name}; "
                    "install there what is installed here, and give the same command"
                ) from error
            raise cause from error
        except (
            self._ray.exceptions.WorkerCrashedError,
            self._ray.exceptions.OutOfMemoryError,
        ) as error:
            raise ended_workers(task) from error

    def _look(self) -> None:
        """See that the head is there: Ray ends a process that has lost it, without a word."""
        with self._reaching():
            _reach(self._head)
            waits, self._waits = self._waits, not self._slots()
        if self._waits and not waits:
            self._tell(
                f"waiting: the Ray cluster {self._address} has no "
                f"{'card' if self._cards else 'core'}; `ray start --address HEAD:6379` adds a "
                "machine"
            )

    def _slots(self) -> int:
        """Return how many tasks the cluster takes at a time."""
        return int(self._ray.cluster_resources().get("GPU" if self._cards else "CPU", 0))

    @contextlib.contextmanager
    def _reaching(self) -> Iterator[None]:
        try:
            yield
        except (self._ray.exceptions.RayError, OSError) as error:
            raise MachineError(
                f"the Ray cluster {self._address} is gone; start it again, and the same command "
                "goes on where it stopped"
            ) from error


def _reach(head: tuple[str, int] | None) -> None:
    """Raise `OSError` where a head that is known takes no connection."""
    if head is not None:
        socket.create_connection(head, CONNECT_SECONDS).close()


def _head_of(address: str) -> tuple[str, int] | None:
    """Return host and port of a cluster's head; None where it is reached through a proxy.

    >>> _head_of("10.0.0.1:6379")
    ('10.0.0.1', 6379)
    """
    host, _, port = address.rpartition(":")
    return (host.strip("[]"), int(port)) if host and port.isdigit() else None
