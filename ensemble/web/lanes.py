"""Where requests are decoded: large ones behind each other, and never before a small one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from starlette.exceptions import HTTPException

Result = TypeVar("Result")

MOST_WAITING = 8
"""Large requests that wait for each other; the next is told to come again."""


class Lanes:
    """Two threads that decode: one for small requests, one for large."""

    def __init__(self) -> None:
        self._small = ThreadPoolExecutor(1, thread_name_prefix="decode")
        self._large = ThreadPoolExecutor(1, thread_name_prefix="decode-large")
        self._waiting = 0

    async def run(self, work: Callable[[], Result], *, large: bool) -> Result:
        """Return what `work` returns, done in a thread.

        Raises
        ------
        HTTPException
            503 with ``Retry-After``, where too many large requests wait already.
        """
        loop = asyncio.get_running_loop()
        if not large:
            return await loop.run_in_executor(self._small, work)
        if self._waiting >= MOST_WAITING:
            raise HTTPException(
                503, f"{MOST_WAITING} large requests wait; try again in a second",
                {"Retry-After": "1"},
            )  # fmt: skip
        self._waiting += 1
        try:
            return await loop.run_in_executor(self._large, work)
        finally:
            self._waiting -= 1

    def close(self) -> None:
        """Stop; what still waits is cancelled."""
        for lane in (self._small, self._large):
            lane.shutdown(wait=False, cancel_futures=True)
