"""A client that trickles its headers, or does not take its answer, is closed after a time.

uvicorn has no limit for this: ``timeout_keep_alive`` begins after a first response,
``h11_max_incomplete_event_size`` bounds the bytes of a header, not the time they take, and
``limit_concurrency`` would count the trickling connections and refuse everybody else. So its
protocol is extended here, by asyncio's own three methods; of uvicorn's internals it reads
whether a request is under way (``cycle``), and a test trickles over real sockets.
"""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol


def protocol_with_timeout(seconds: float, connections: int) -> type[H11Protocol]:
    """Return uvicorn's protocol, closing connections that send no request in `seconds`.

    And those that take nothing of their answer for as long, and those beyond so many.
    """

    class TimeoutProtocol(H11Protocol):
        """Counts from the connection, or from the first byte of the next request."""

        _timer: asyncio.TimerHandle | None = None
        _sending: asyncio.TimerHandle | None = None
        _unsent = 0

        def connection_made(self, transport: Any) -> None:
            """Start to wait for the first request."""
            super().connection_made(transport)
            if len(self.connections) > connections:
                transport.abort()
                return
            self._wait()
            self._sending = self.loop.call_later(seconds, self._look)

        def data_received(self, data: bytes) -> None:
            """Stop waiting when a request is whole, start when the next has begun."""
            super().data_received(data)
            if self._idle():
                self._wait()
            else:
                self._stop()

        def connection_lost(self, exc: Exception | None) -> None:
            """Forget the timers."""
            self._stop()
            if self._sending is not None:
                self._sending.cancel()
            super().connection_lost(exc)

        def _idle(self) -> bool:
            return self.cycle is None or self.cycle.response_complete

        def _wait(self) -> None:
            if self._timer is None:
                self._timer = self.loop.call_later(seconds, self._give_up)

        def _stop(self) -> None:
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None

        def _look(self) -> None:
            """Drop a client that has taken nothing of its answer since the last look."""
            unsent = self.transport.get_write_buffer_size()
            if unsent and unsent == self._unsent:
                self.transport.abort()
                return
            self._unsent = unsent
            self._sending = self.loop.call_later(seconds, self._look)

        def _give_up(self) -> None:
            self._timer = None
            if self._idle() and not self.transport.is_closing():
                self.transport.close()

    return TimeoutProtocol
