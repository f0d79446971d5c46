"""``ensemble serve``: a page and a JSON API on this machine."""

from __future__ import annotations

import contextlib
import sys

from ensemble.installed import way_to
from ensemble.web.access import is_loopback
from ensemble.web.limits import Limits
from pipelines.commands.outcome import say_unchecked
from pipelines.run.loading import load_ensemble
from pruning.core.errors import RequestError
from pruning.core.settings_tree import made

SHORTEST = 8
"""Characters of a token."""


def run_serve(
    *,
    source: str,
    host: str,
    port: int,
    token: str | None,
    archs: tuple[str, ...],
    **bounds: float | None,
) -> None:
    """Serve an ensemble until interrupted; `bounds` are those of `Limits` by their flat names."""
    limits = made(Limits, bounds)
    if token is not None and (len(token) < SHORTEST or not token.isascii()):
        raise RequestError(
            f"`token` of {len(token)} characters: allowed are {SHORTEST} and more of ASCII, or "
            "leave it out: beyond loopback one is made"
        )
    try:
        from ensemble.web.app import serve
    except ImportError as error:
        raise RequestError(f"serving needs {error.name}; install with {way_to('serve')}") from error
    say_unchecked(source)
    model = load_ensemble(source, archs)
    with contextlib.suppress(KeyboardInterrupt):  # which is how a server ends
        serve(
            model, host=host, port=port, limits=limits, token=token,
            ready=lambda address: _told(address, host),
        )  # fmt: skip


def _told(address: str, host: str) -> None:
    if not is_loopback(host):
        print(
            f"ensemble: warning: --host {host} opens this to the network, without encryption, to "
            "all who know the token",
            file=sys.stderr,
        )
    print(f"{address}  (Ctrl-C stops)", flush=True)
