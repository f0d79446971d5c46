"""``ensemble serve``."""

from __future__ import annotations

import ensemble
from pruning.errors import RequestError


def run_serve(*, source: str, host: str, port: int) -> None:
    """Serve an ensemble until interrupted."""
    try:
        from ensemble.serve import serve
    except ImportError as error:
        raise RequestError(
            f"serving needs {error.name}; install with pip install 'dropnet-ensemble[serve]'"
        ) from error
    model = ensemble.load(source)
    print(f"http://{host}:{port}  (Ctrl-C stops)", flush=True)
    serve(model, host=host, port=port)
