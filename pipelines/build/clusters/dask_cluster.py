"""Tasks on a Dask cluster, by its own client: the scheduler places them, and retries lost ones."""

from __future__ import annotations

import contextlib
import logging
import queue
import warnings
from collections.abc import Iterator

from distributed import CancelledError, Client, Future, KilledWorker

from pipelines.build.clusters.cluster import LOOK_SECONDS, Tell, ended_workers
from pipelines.build.clusters.task import RoundResult, RoundTask, train_round
from pruning.core.errors import MachineError, RequestError
from pruning.data.splits import Splits

CONNECT_SECONDS = 15
"""Time for the scheduler to answer."""

CLOSE_SECONDS = 5


@contextlib.contextmanager
def connected(address: str, splits: Splits, device: str, tell: Tell) -> Iterator[DaskCluster]:
    """Yield the cluster whose scheduler answers at `address`; see `cluster.opened`."""
    with _silent():
        try:
            client = Client(address, timeout=CONNECT_SECONDS, set_as_default=False)
        except (OSError, ValueError, TypeError, RuntimeError) as error:
            raise RequestError(
                f"`scheduler` {address!r}: no Dask scheduler answers there; start one with "
                "`dask scheduler`, and give the address that it prints, such as "
                "tcp://10.0.0.1:8786"
            ) from error
        try:
            yield DaskCluster(client, address, splits, device, tell)
        finally:
            with contextlib.suppress(Exception):
                client.close(timeout=CLOSE_SECONDS)


class DaskCluster:
    """A `Cluster` by Dask's client."""

    def __init__(
        self, client: Client, address: str, splits: Splits, device: str, tell: Tell
    ) -> None:
        self._client, self._address, self._tell = client, address, tell
        self._options = {"resources": {"GPU": 1}} if device == "cuda" else {}
        self._tasks: dict[str, tuple[RoundTask, Future]] = {}
        self._done: queue.SimpleQueue[Future] = queue.SimpleQueue()
        self._waits = False
        with self._reaching():
            self.workers = self._count_workers()
            # A task that returns its argument: the scheduler keeps it, and gives it to another
            # worker where those that held the data die. Scattered data would be gone.
            with warnings.catch_warnings():
                warnings.filterwarnings("ignore", "Sending large graph")
                self._data = client.submit(_itself, splits, pure=False)

    def submit(self, task: RoundTask) -> None:
        """Hand over a task under its name: Dask computes a name once, however often it is given."""
        with self._reaching(), warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Sending large graph")
            future = self._client.submit(
                train_round, task, self._data, key=task.name, pure=True, **self._options
            )
            self._tasks[task.name] = task, future
            future.add_done_callback(self._done.put)

    def next_result(self) -> RoundResult:
        """Wait for a task that is done; see `cluster.Cluster`."""
        while True:
            try:
                name = self._done.get(timeout=LOOK_SECONDS).key
            except queue.Empty:
                self._look()
                continue
            task, future = self._tasks.pop(name)
            with self._reaching():
                return self._result_of(task, future)

    def _result_of(self, task: RoundTask, future: Future) -> RoundResult:
        try:
            result: RoundResult = future.result()
            return result
        except KilledWorker as error:
            raise ended_workers(task) from error
        except ModuleNotFoundError as error:
            raise MachineError(
                f"a worker of {self._address} cannot import {error.name}; install there what is "
                "installed here, start it again, and give the same command"
            ) from error

    def _look(self) -> None:
        """See that the scheduler is there, and say where it has no workers."""
        with self._reaching():
            if self._client.status != "running":
                raise self._gone()
            waits, self._waits = self._waits, not self._count_workers()
        if self._waits and not waits:
            self._tell(
                f"waiting: the scheduler {self._address} has no workers; "
                f"`dask worker {self._address} --nthreads 1` starts one"
            )

    def _count_workers(self) -> int:
        return len(self._client.scheduler_info(n_workers=-1)["workers"])

    @contextlib.contextmanager
    def _reaching(self) -> Iterator[None]:
        try:
            yield
        except (OSError, CancelledError, TimeoutError) as error:
            raise self._gone() from error

    def _gone(self) -> MachineError:
        return MachineError(
            f"the Dask scheduler {self._address} is gone; start it and its workers again, and the "
            "same command goes on where it stopped"
        )


def _itself(splits: Splits) -> Splits:
    return splits


@contextlib.contextmanager
def _silent() -> Iterator[None]:
    """Keep Dask's own lines and tracebacks about lost connections: a line of ours says it."""
    loggers = [logging.getLogger(name) for name in ("distributed", "distributed.client")]
    before = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        for logger, level in zip(loggers, before, strict=True):
            logger.setLevel(level)
