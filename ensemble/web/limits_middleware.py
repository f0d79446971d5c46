"""Refusing requests that are too large, too many, too slow. Plain ASGI."""

from __future__ import annotations

import asyncio
from typing import Any

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ensemble.web.limits import Limits

LONGEST_LENGTH = 18
"""Digits of a ``content-length`` that are read as a number."""


class LimitsMiddleware:
    """Applies the limits that concern bodies and counts, whatever the route.

    A body is counted while it arrives: past the limit nothing more of it is read or held.

    uvicorn's ``limit_concurrency`` is no substitute for the limit on requests: it counts open
    connections too, so a browser that keeps some open is refused with nothing being worked on,
    and its 503 has neither ``Retry-After`` nor a JSON body. uvicorn has no limit on a body.
    """

    def __init__(self, app: ASGIApp, limits: Limits) -> None:
        self.app = app
        self.limits = limits
        self.active = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        if self.active >= self.limits.requests:
            busy = f"{self.limits.requests} requests are being worked on; try again in a second"
            await _refusal(503, busy, {"Retry-After": "1"})(scope, receive, send)
            return
        stated = Headers(scope=scope).get("content-length", "0")
        if (
            not stated.isdigit()
            or len(stated) > LONGEST_LENGTH
            or int(stated) > self.limits.upload_bytes
        ):
            await _refusal(413, self._too_large)(scope, receive, send)
            return
        self.active += 1
        try:
            await self.app(scope, self._counted(receive), send)
        finally:
            self.active -= 1

    @property
    def _too_large(self) -> str:
        return f"the request is larger than {self.limits.upload_bytes} bytes"

    def _counted(self, receive: Receive) -> Receive:
        read = 0
        done = False
        deadline = asyncio.get_running_loop().time() + self.limits.seconds

        async def counted() -> Message:
            nonlocal read, done
            if done:
                return await receive()
            try:
                async with asyncio.timeout_at(deadline):
                    message = await receive()
            except TimeoutError:
                slow = f"the request did not arrive within {self.limits.seconds:g} s"
                raise HTTPException(408, slow, {"Connection": "close"}) from None
            read += len(message.get("body", b""))
            done = not message.get("more_body", False)
            if read > self.limits.upload_bytes:
                raise HTTPException(413, self._too_large, {"Connection": "close"})
            return message

        return counted


def _refusal(status: int, detail: str, headers: dict[str, Any] | None = None) -> JSONResponse:
    return JSONResponse({"detail": detail}, status, {"Connection": "close"} | (headers or {}))
