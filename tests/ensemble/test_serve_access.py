"""Who may ask a served ensemble, and what no client can do to the others."""

from __future__ import annotations

import base64
import io
import json
import logging
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import ExitStack, suppress
from pathlib import Path

import hostile
import httpx
import numpy as np
import pytest
from PIL import Image
from serving import running

from ensemble.model import Ensemble
from ensemble.web.access import Access
from ensemble.web.few_lines import LINES, SECONDS, FewLines
from ensemble.web.limits import Limits
from pipelines.commands.cli import run

TOKEN = "a token of some length"


@pytest.mark.parametrize(
    ("host", "allowed"),
    [
        ("localhost:8000", True), ("127.0.0.1", True), ("[::1]:8000", True), ("127.9.9.9", True),
        ("evil.example:8000", False), ("127.0.0.1.evil.example", False), ("", False),
        ("localhost.evil.example", False), ("[::1", False), ("10.0.0.1", False),
    ],
)  # fmt: skip
def test_on_loopback_only_this_machine_is_answered(host: str, allowed: bool) -> None:
    why = Access().refusal("/predict", b"", {b"host": host.encode()})
    assert (why is None) == allowed


@pytest.mark.parametrize(
    ("origin", "allowed"),
    [
        ("http://localhost:80", True), ("http://evil.example", False), ("null", False),
        ("http://localhost:81", False), ("http://localhost:80.evil.example", False), ("", False),
    ],
)  # fmt: skip
def test_pages_from_elsewhere_are_not_answered(origin: str, allowed: bool) -> None:
    headers = {b"host": b"localhost:80", b"origin": origin.encode()}
    assert (Access().refusal("/predict", b"", headers) is None) == allowed


def test_beyond_loopback_a_token_is_needed() -> None:
    assert Access.to("127.0.0.1").token is None
    made = Access.to("0.0.0.0")
    assert made.token and made.token != Access.to("0.0.0.0").token and made.token not in repr(made)
    access, here = Access.to("0.0.0.0", TOKEN), {b"host": b"my.machine"}
    assert access.refusal("/", b"", here) is None
    for path in ("/predict", "/health", "/openapi.json", "/page.js/../health"):
        assert access.refusal(path, b"", here)
        assert access.refusal(path, b"token=", here)
        assert access.refusal(path, b"token=wrong", here)
        assert access.refusal(path, b"", here | {b"authorization": b"Bearer \xff"})
        assert access.refusal(path, b"", here | {b"authorization": f"Basic {TOKEN}".encode()})
        assert access.refusal(path, b"token=" + TOKEN.replace(" ", "+").encode(), here) is None
        assert not access.refusal(path, b"", here | {b"authorization": f"bearer {TOKEN}".encode()})


def test_it_is_so_over_sockets(team: Ensemble) -> None:
    with running(team, Limits()) as client:
        assert client.get("/health").status_code == 200
        evil = client.get("/health", headers={"host": "evil.example"})
        assert evil.status_code == 403 and "not this machine" in evil.json()["detail"]
        assert client.get("/health", headers={"origin": "http://evil.example"}).status_code == 403


@pytest.mark.parametrize("token", ["", "short", "näää" * 9])
def test_a_poor_token_is_refused(token: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["serve", str(hostile.KEPT / "team"), "--token", token]) == 2
    assert "--token " in capsys.readouterr().err


def _large(size: int) -> bytes:
    file = io.BytesIO()
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (size, size), np.uint8)).save(
        file, "png", compress_level=0
    )
    return file.getvalue()


def _attacks() -> dict[str, bytes]:
    tiny = io.BytesIO()
    Image.new("1", (5000, 5000)).save(tiny, "png")
    image = base64.b64encode(tiny.getvalue()).decode()
    return {
        "text": json.dumps({"samples": ["x" * 10**6, *[""] * 60]}).encode(),
        "many texts": json.dumps({"samples": ["x"] * 200_000}).encode(),
        "empty lists": b'{"samples": [' + b"[]," * 10**6 + b"[]]}",
        "objects": b'{"samples": [' + b"{}," * 10**6 + b"{}]}",
        "brackets": b"[" * 3 * 10**6,
        "tiny images": json.dumps({"images": [image] * 64}).encode(),
        "numbers": b'{"samples": [' + b"1," * 10**6 + b"1]}",
        "a long number": b'{"samples": [' + b"1" * 10**6 + b"]}",
    }


@pytest.mark.parametrize("kind", _attacks())
def test_no_request_holds_up_the_others(team: Ensemble, kind: str) -> None:
    body, seconds = _attacks()[kind], list[float]()
    with running(team, Limits()) as client:
        done = threading.Event()

        def ask() -> None:
            while not done.is_set():
                begun = time.monotonic()
                answer = httpx.post(
                    f"{client.base_url}/predict", json={"samples": [[[0] * 8] * 8]}, timeout=30
                )
                assert answer.status_code == 200
                seconds.append(time.monotonic() - begun)

        asking = threading.Thread(target=ask)
        asking.start()
        try:
            for _ in range(3):
                headers = {"content-type": "application/json"}
                answer = client.post("/predict", content=body, headers=headers)
                assert answer.status_code == 422 and "\n" not in answer.json()["detail"]
                assert len(answer.content) < 1000
        finally:
            done.set()
            asking.join()
    assert seconds and max(seconds) < 2


def test_many_large_images_wait_for_each_other_not_the_small_ones(team: Ensemble) -> None:
    large = _large(2000)
    with running(team, Limits()) as client:
        url = f"{client.base_url}/predict"
        senders = [
            threading.Thread(
                target=lambda: httpx.post(url, files={"image": large}, timeout=60)
            )
            for _ in range(6)
        ]  # fmt: skip
        for sender in senders:
            sender.start()
        begun = time.monotonic()
        assert httpx.post(url, json={"samples": [[[0] * 8] * 8]}, timeout=30).status_code == 200
        assert time.monotonic() - begun < 2
        for sender in senders:
            sender.join()


def test_who_takes_nothing_of_an_answer_is_dropped(team: Ensemble) -> None:
    with running(team, Limits(seconds=0.5, requests=4)) as client, ExitStack() as connections:
        ask = b"GET /openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n" * 3000
        for _ in range(8):
            connection = connections.enter_context(socket.socket())
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
            connection.settimeout(1)
            connection.connect((client.base_url.host, client.base_url.port))
            with suppress(OSError):
                connection.sendall(ask)
        # They keep all places taken until they are dropped, and never let go by themselves.
        end = time.monotonic() + 30
        while (code := client.get("/health").status_code) != 200 and time.monotonic() < end:
            time.sleep(0.1)
        assert code == 200


def test_a_log_has_few_lines() -> None:
    now = [0.0]
    few = FewLines(lambda: now[0])
    record = logging.LogRecord("x", logging.WARNING, "", 1, "said %s", ("a",), None)
    assert sum(few.filter(record) for _ in range(1000)) == LINES
    now[0] = SECONDS
    assert few.filter(record) and f"({1000 - LINES} lines left out)" in record.getMessage()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_ends_without_a_traceback(number: signal.Signals, tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", "from pipelines.commands.cli import main; main()", "serve",
         str(hostile.KEPT / "team"), "--port", "0"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
    ) as server:  # fmt: skip
        assert server.stdout is not None
        line = server.stdout.readline()
        assert re.match(r"http://127.0.0.1:\d+  ", line), line
        url = line.split()[0]
        for _ in range(50):
            with suppress(httpx.TransportError):
                assert httpx.get(f"{url}/health").status_code == 200
                break
            time.sleep(0.1)
        where = httpx.URL(url)
        with socket.create_connection((where.host, where.port)) as open_request:
            open_request.sendall(
                b"POST /predict HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n"
                b"Content-Type: application/json\r\n\r\n{"
            )
            time.sleep(0.3)
            server.send_signal(number)
            _, said = server.communicate(timeout=30)
    assert "Traceback" not in said and said.count("\n") <= 1, said
    assert server.returncode == 0
