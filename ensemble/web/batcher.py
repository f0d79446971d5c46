"""Requests that arrive together pass through the ensemble together."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ensemble.classifier import Classifier
from ensemble.reading.arrays import Samples
from ensemble.reading.inputs import AsStored


@dataclass(frozen=True, eq=False)
class _Waiting:
    samples: Samples
    answer: asyncio.Future[NDArray[np.float32]]


class Batcher:
    """Collects samples while the ensemble is at work, then runs them as one batch.

    Nothing waits for company: an idle ensemble starts at once; what arrives meanwhile
    forms the next batch.

    Parameters
    ----------
    model
        A loaded ensemble; its ``batch_size`` bounds a batch (a larger request runs alone).
    """

    def __init__(self, model: Classifier) -> None:
        self._model = model
        self._queue: asyncio.Queue[_Waiting] = asyncio.Queue()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="ensemble")
        self._task: asyncio.Task[None] | None = None
        self._held: _Waiting | None = None

    async def predict_members(self, samples: Samples) -> NDArray[np.float32]:
        """Return (S, n, C) member probabilities of n checked samples."""
        if self._task is None:
            self._task = asyncio.create_task(self._work())
        waiting = _Waiting(samples, asyncio.get_running_loop().create_future())
        self._queue.put_nowait(waiting)
        return await waiting.answer

    async def close(self) -> None:
        """Stop; what still waits is cancelled."""
        if self._task is not None:
            self._task.cancel()
        self._thread.shutdown(wait=False, cancel_futures=True)

    async def _work(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            batch = await self._next_batch()
            samples = np.concatenate([waiting.samples for waiting in batch])
            try:
                members = await loop.run_in_executor(
                    self._thread, self._model.predict_members, AsStored(samples)
                )
            except Exception as error:  # each waiting request must hear of it
                for waiting in batch:
                    if not waiting.answer.done():
                        waiting.answer.set_exception(error)
                continue
            start = 0
            for waiting in batch:
                stop = start + len(waiting.samples)
                if not waiting.answer.done():
                    waiting.answer.set_result(members[:, start:stop])
                start = stop

    async def _next_batch(self) -> list[_Waiting]:
        first = self._held or await self._queue.get()
        self._held = None
        batch, count = [first], len(first.samples)
        while not self._queue.empty():
            following = self._queue.get_nowait()
            if count + len(following.samples) > self._model.batch_size:
                self._held = following
                break
            batch.append(following)
            count += len(following.samples)
        return batch
