"""A log that no client can fill: so many lines a minute, then how many were left out."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable

LINES, SECONDS = 20, 60.0

TALKERS = ("uvicorn.error", "asyncio")
"""Loggers that write a line, or a traceback, for what a client does."""


class FewLines(logging.Filter):
    """Lets `LINES` records pass in every `SECONDS`.

    Parameters
    ----------
    clock
        Seconds that only grow.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._clock, self._begun, self._seen = clock, clock(), 0

    def filter(self, record: logging.LogRecord) -> bool:
        """Return whether a record passes; the first of a new span says what was left out."""
        if record.exc_info and isinstance(record.exc_info[1], asyncio.CancelledError):
            return False  # a request that was under way when the server was told to stop
        now = self._clock()
        left_out = 0
        if now - self._begun >= SECONDS:
            left_out, self._begun, self._seen = max(self._seen - LINES, 0), now, 0
        self._seen += 1
        if self._seen > LINES:
            return False
        if left_out:
            record.msg, record.args = f"{record.getMessage()} ({left_out} lines left out)", ()
        return True


def write_few_lines() -> None:
    """Make the loggers that clients can make talk write few lines."""
    for name in TALKERS:
        logger = logging.getLogger(name)
        if not any(isinstance(found, FewLines) for found in logger.filters):
            logger.addFilter(FewLines())
