"""A served ensemble, on real sockets, for as long as a test lasts."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import uvicorn

from ensemble.model import Ensemble
from ensemble.web.app import server_config
from ensemble.web.limits import Limits


@contextmanager
def running(model: Ensemble, limits: Limits) -> Iterator[httpx.Client]:
    """Serve on a free port; the client asks it over real sockets."""
    server = uvicorn.Server(server_config(model, "127.0.0.1", 0, limits))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30) as client:
            yield client
    finally:
        server.should_exit = True
        thread.join()
