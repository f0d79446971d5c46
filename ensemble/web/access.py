"""Who may ask a server: programs and pages of this machine, or whoever has the token.

A page on the web can send requests to ``127.0.0.1``, and through a name of its own that it lets
point there (DNS rebinding) read the answers, too. Such requests tell on themselves: by the ``Host``
or the ``Origin`` in their headers.
"""

from __future__ import annotations

import hmac
import ipaddress
import json
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

PUBLIC = frozenset(("/", "/page.css", "/page.js"))
"""What holds nothing of anybody's: a page that reads the token from its own address."""


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach a host.

    >>> [is_loopback(host) for host in ("localhost", "127.0.0.2", "::1", "0.0.0.0", "my.name")]
    [True, True, True, False, False]
    """
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


@dataclass(frozen=True)
class Access:
    """Who may ask.

    Attributes
    ----------
    host
        Where is listened. On loopback only requests to loopback are answered.
    token
        What others must know; None asks for none.
    """

    host: str = "127.0.0.1"
    token: str | None = field(default=None, repr=False)

    @classmethod
    def to(cls, host: str, token: str | None = None) -> Access:
        """Return the access to a host: beyond loopback a token is made where none is given."""
        if token is None and not is_loopback(host):
            token = secrets.token_urlsafe(16)
        return cls(host, token)

    def refusal(self, path: str, query: bytes, headers: dict[bytes, bytes]) -> str | None:
        """Return why a request is refused; None where it is not.

        Parameters
        ----------
        path, query
            Of what is asked for.
        headers
            By name in lower case.
        """
        host = headers.get(b"host", b"").decode("latin-1").lower()
        if is_loopback(self.host) and not is_loopback(_name(host)) and _name(host) != self.host:
            return f"host {host[:80]!r} is not this machine; ask 127.0.0.1 or localhost"
        origin = headers.get(b"origin")
        if origin is not None and _place(origin.decode("latin-1")) != host:
            return "pages from elsewhere may not ask this server"
        if self.token is None or path in PUBLIC or self._told(query, headers):
            return None
        return "no token, or a wrong one; send it as 'Authorization: Bearer TOKEN' or ?token=TOKEN"

    def _told(self, query: bytes, headers: dict[bytes, bytes]) -> bool:
        kind, _, told = headers.get(b"authorization", b"").decode("latin-1").partition(" ")
        asked = parse_qs(query.decode("latin-1")).get("token", [])
        given = [*asked, *([told.strip()] if kind.lower() == "bearer" else [])]
        wanted = (self.token or "").encode()
        return any(hmac.compare_digest(one.encode(), wanted) for one in given)


class AccessMiddleware:
    """Refuses with 403 what `Access` refuses. Plain ASGI."""

    def __init__(self, app: Callable[..., Awaitable[None]], access: Access) -> None:
        self.app, self.access = app, access

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Pass a request on, or refuse it."""
        if scope["type"] == "http":
            why = self.access.refusal(
                scope["path"], scope.get("query_string", b""), dict(scope["headers"])
            )
            if why is not None:
                body = json.dumps({"detail": why}).encode()
                headers = [(b"content-type", b"application/json"), (b"connection", b"close"),
                           (b"content-length", str(len(body)).encode())]  # fmt: skip
                await send({"type": "http.response.start", "status": 403, "headers": headers})
                await send({"type": "http.response.body", "body": body})
                return
        await self.app(scope, receive, send)


def _name(host: str) -> str:
    """Return a ``Host`` header without its port: ``[::1]:80`` is ``::1``.

    >>> _name("[::1]:80"), _name("localhost:8000"), _name("")
    ('::1', 'localhost', '')
    """
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""


def _place(origin: str) -> str:
    """Return the host and port of an ``Origin``; nothing of one that has none."""
    try:
        return urlsplit(origin.lower()).netloc
    except ValueError:
        return ""
