"""`ensemble serve`: a page and a JSON API, on loopback unless told otherwise."""

from __future__ import annotations

import logging
import socket
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from importlib.resources import files
from typing import Any
from urllib.parse import quote

import numpy as np
import uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response
from numpy.typing import NDArray

from ensemble.classifier import Classifier
from ensemble.stream import record_content, records_of
from ensemble.web.access import Access, AccessMiddleware
from ensemble.web.batcher import Batcher
from ensemble.web.contract import HEALTH, PREDICT
from ensemble.web.few_lines import write_few_lines
from ensemble.web.header_timeout import protocol_with_timeout
from ensemble.web.lanes import Lanes
from ensemble.web.limits import Limits
from ensemble.web.limits_middleware import LimitsMiddleware
from ensemble.web.requests import Upload, decode_upload, opened, read_upload
from pruning.core.errors import RequestError

IDLE_SECONDS = 5
"""How long a connection is kept between two requests."""

LEAVING_SECONDS = 5
"""How long requests may take when the server has been told to stop."""

MORE_CONNECTIONS = 192
"""Open ones beside those that are worked on: browsers keep some."""

_PAGE = {"/": "page.html", "/page.css": "page.css", "/page.js": "page.js"}
_KINDS = {"html": "text/html", "css": "text/css", "js": "text/javascript"}
_HEADERS = {
    "Content-Security-Policy": "default-src 'self'; img-src 'self' blob: data:; base-uri 'none'",
    "X-Content-Type-Options": "nosniff",
}


def create_app(
    model: Classifier, limits: Limits | None = None, access: Access | None = None
) -> FastAPI:
    """Return the application: ``GET /``, ``POST /predict``, ``GET /health``, OpenAPI.

    Parameters
    ----------
    model
        A loaded ensemble.
    limits
        What is refused; see `Limits`.
    access
        Who may ask; None leaves that to what the application runs in.
    """
    bounds = limits or Limits()
    # python_multipart logs every malformed request: the client is told, the log need not be.
    logging.getLogger("python_multipart").setLevel(logging.ERROR)
    batcher = Batcher(model)
    lanes = Lanes()

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        await batcher.close()
        lanes.close()

    app = FastAPI(title="Ensemble", version="1", lifespan=lifespan, docs_url=None, redoc_url=None)
    app.add_middleware(LimitsMiddleware, limits=bounds)
    if access is not None:
        app.add_middleware(AccessMiddleware, access=access)
    _add_page(app)

    @app.exception_handler(RequestError)
    async def refuse(_: Request, error: RequestError) -> JSONResponse:
        return JSONResponse({"detail": str(error)}, 422)

    @app.get("/health", **HEALTH)
    async def health() -> JSONResponse:
        return JSONResponse(_about(model, bounds))

    @app.post("/predict", **PREDICT)
    async def predict(request: Request) -> JSONResponse:
        about = model.description
        given = await read_upload(request, bounds)
        upload = await lanes.run(lambda: opened(given, about, bounds), large=given.large)
        samples = await lanes.run(lambda: decode_upload(upload, about, bounds), large=upload.large)
        members = await batcher.predict_members(samples)
        return JSONResponse(_answer(model, upload, members))

    return app


def serve(
    model: Classifier,
    host: str = "127.0.0.1",
    port: int = 8000,
    limits: Limits | None = None,
    *,
    token: str | None = None,
    ready: Callable[[str], None] = lambda _: None,
) -> None:
    """Serve until interrupted.

    Parameters
    ----------
    model
        A loaded ensemble.
    host, port
        Where to listen. Another host than loopback opens it to the network, without
        encryption.
    limits
        See `Limits`.
    token
        What whoever asks must know; beyond loopback one is made where none is given.
    ready
        Told the address when it is taken, the token in it; port 0 takes any that is free.

    Raises
    ------
    RequestError
        If host and port cannot be listened on.
    """
    access = Access.to(host, token)
    config = server_config(model, host, port, limits, access)
    write_few_lines()
    with listening(host, port) as taken:
        shown = f"[{host}]" if ":" in host else host
        known = "" if access.token is None else f"/?token={quote(access.token)}"
        ready(f"http://{shown}:{taken.getsockname()[1]}{known}")
        uvicorn.Server(config).run(sockets=[taken])


def listening(host: str, port: int) -> socket.socket:
    """Return a socket that listens on a host and port; a `RequestError` if none can."""
    try:
        family, *_ = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        return socket.create_server((host, port), family=socket.AddressFamily(family))
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise RequestError(
            f"`host` {host}, `port` {port} cannot be listened on: {reason}; give another"
        ) from error


def server_config(
    model: Classifier,
    host: str,
    port: int,
    limits: Limits | None = None,
    access: Access | None = None,
) -> uvicorn.Config:
    """Return how uvicorn is to run the application, slow clients closed."""
    bounds = limits or Limits()
    return uvicorn.Config(
        create_app(model, bounds, access or Access.to(host)), host=host, port=port, ws="none",
        log_level="warning",
        http=protocol_with_timeout(bounds.seconds, bounds.requests + MORE_CONNECTIONS),
        timeout_keep_alive=IDLE_SECONDS,
        timeout_graceful_shutdown=LEAVING_SECONDS, server_header=False,
    )  # fmt: skip


def _add_page(app: FastAPI) -> None:
    for route, name in _PAGE.items():
        app.add_api_route(route, _file(name), include_in_schema=False)


def _file(name: str) -> Callable[[], Coroutine[Any, Any, Response]]:
    content = files("ensemble.web").joinpath(name).read_bytes()
    kind = _KINDS[name.rpartition(".")[2]]

    async def answer() -> Response:
        return Response(content, media_type=kind, headers=_HEADERS)

    return answer


def _about(model: Classifier, limits: Limits) -> dict[str, Any]:
    about = model.description
    return {
        "status": "ok",
        "classes": about.classes.tolist(),
        "members": [member.name for member in about.members],
        "input_shape": list(about.input_shape),
        "limits": vars(limits),
    }


def _answer(model: Classifier, upload: Upload, members: NDArray[np.float32]) -> dict[str, Any]:
    count = members.shape[1]
    named = [file.name for file in upload.images] or [f"samples[{i}]" for i in range(count)]
    found = records_of(model, named, members)
    return {"predictions": [record_content(record, model) for record in found]}
