"""A cluster that stands in for Dask's and Ray's: it computes here, when and how often it likes."""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from contextlib import contextmanager

from pipelines.build.clusters.task import RoundResult, RoundTask, train_round, trained_on
from pruning.core.errors import MachineError
from pruning.data.splits import Splits


class StandIn:
    """Computes the last task first and sends all as bytes, as clusters do.

    Parameters
    ----------
    splits
        The whole data, of which workers get what they train on.
    times
        How often each result arrives.
    results
        After so many the cluster is gone.
    """

    workers = 2

    def __init__(self, splits: Splits, *, times: int = 1, results: int | None = None) -> None:
        self.data = pickle.dumps(trained_on(splits))
        self.times, self.left = times, results
        self.waiting: list[bytes] = []
        self.done: list[RoundResult] = []
        self.names: list[str] = []
        self.networks = 0

    @contextmanager
    def connected(self) -> Iterator[StandIn]:
        """Yield itself."""
        yield self

    def submit(self, task: RoundTask) -> None:
        """Take a task that it has not had: what is due twice would be due for ever."""
        assert task.name not in self.names
        self.names.append(task.name)
        self.waiting.append(pickle.dumps(task))

    def next_result(self) -> RoundResult:
        """Compute one, unless one is to arrive again."""
        if self.left is not None:
            if self.left == 0:
                raise MachineError("the cluster is gone")
            self.left -= 1
        if not self.done:
            task = pickle.loads(self.waiting.pop())
            result = pickle.dumps(train_round(task, pickle.loads(self.data)))
            self.done = [pickle.loads(result) for _ in range(self.times)]
            self.networks += len(self.done[0].records)
        return self.done.pop()
