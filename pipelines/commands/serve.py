"""``ensemble serve``: a page and a JSON API on this machine."""

from __future__ import annotations

import ipaddress
import sys

from ensemble.installed import way_to
from ensemble.web.limits import Limits
from pipelines.run.loading import load_ensemble
from pruning.core.errors import RequestError
from pruning.core.settings_tree import made


def run_serve(
    *, source: str, host: str, port: int, archs: tuple[str, ...], **bounds: float | None
) -> None:
    """Serve an ensemble until interrupted; `bounds` are those of `Limits` by their flat names."""
    limits = made(Limits, bounds)
    try:
        from ensemble.web.app import serve
    except ImportError as error:
        raise RequestError(f"serving needs {error.name}; install with {way_to('serve')}") from error
    model = load_ensemble(source, archs)
    if not is_loopback(host):
        print(
            f"ensemble: warning: --host {host} opens this to the network, without passwords or "
            "encryption",
            file=sys.stderr,
        )
    serve(
        model, host=host, port=port, limits=limits,
        ready=lambda address: print(f"{address}  (Ctrl-C stops)", flush=True),
    )  # fmt: skip


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach a host.

    >>> [is_loopback(host) for host in ("localhost", "127.0.0.2", "::1", "0.0.0.0", "my.name")]
    [True, True, True, False, False]
    """
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
