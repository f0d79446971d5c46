"""A client that trickles its headers is closed after a time.

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


def protocol_with_timeout(seconds: float) -> type[H11Protocol]:
    """Return uvicorn's protocol, closing connections that send no request in `seconds`."""

    class TimeoutProtocol(H11Protocol):
        """Counts from the connection, or from the first byte of the next request."""

        _timer: asyncio.TimerHandle | None = None

        def connection_made(self, transport: Any) -> None:
            """Start to wait for the first request."""
            super().connection_made(transport)
            self._wait()

        def data_received(self, data: bytes) -> None:
            """Stop waiting when a request is whole, start when the next has begun."""
            super().data_received(data)
            if self._idle():
                self._wait()
            else:
                self._stop()

        def connection_lost(self, exc: Exception | None) -> None:
            """Forget the timer."""
            self._stop()
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

        def _give_up(self) -> None:
            self._timer = None
            if self._idle() and not self.transport.is_closing():
                self.transport.close()

    return TimeoutProtocol
