"""Five attacks on `ensemble serve`: does a normal prediction go on being answered?

    nice -n 10 python benchmarks/reliability/serve_attacks.py [seconds of each]

While an attack lasts, another client asks for a prediction ten times a second, and the server's
memory is read. It must answer within 2 s, take less than 200 MiB more than at rest, and write few
lines. Its page: results/reliability.
"""

from __future__ import annotations

import base64
import contextlib
import io
import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from multiprocessing import get_context
from multiprocessing.synchronize import Event
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "benchmarks" / "product")]

import httpx  # noqa: E402
from load import resident  # noqa: E402
from PIL import Image  # noqa: E402
from teams import heading, random_team  # noqa: E402

PAGE = ROOT / "results" / "reliability" / "serve-attacks.md"
MOST_SECONDS, MOST_MEMORY, MOST_LOG = 2.0, 200.0, 20_000
"""Of a normal prediction; MiB beyond the server's at rest; bytes written in an attack."""

NORMAL = {"samples": [[[0] * 28] * 28]}
SERVER = [sys.executable, "-c", "from pipelines.commands.cli import main; main()", "serve"]
AS_JSON = {"content-type": "application/json"}

Attack = Callable[[str, Event], None]
"""What a process of its own does to an address until it is told to end."""


class Seen(NamedTuple):
    """What an attack came to: seconds of normal predictions, MiB more, bytes of log."""

    seconds: list[float]
    refused: int
    memory: float
    log: int
    alive: bool

    @property
    def good(self) -> bool:
        """Whether it did no harm."""
        return (
            self.alive and bool(self.seconds) and not self.refused
            and max(self.seconds) <= MOST_SECONDS and self.memory <= MOST_MEMORY
            and self.log <= MOST_LOG
        )  # fmt: skip


def posting(body: bytes, clients: int) -> Attack:
    """Return the attack of so many clients that post a body again and again."""

    def attack(url: str, done: Event) -> None:
        def one() -> None:
            with httpx.Client(timeout=60) as client:
                while not done.is_set():
                    with contextlib.suppress(httpx.HTTPError):
                        client.post(f"{url}/predict", content=body, headers=AS_JSON)

        _all([one] * clients)

    return attack


def slow_readers(url: str, done: Event) -> None:
    """Ask 80 times for much, and take nothing of it; whoever is dropped comes again."""
    where = httpx.URL(url)
    ask = b"GET /openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n" * 3000
    connections: list[socket.socket] = []
    while not done.is_set():
        for connection in connections:
            connection.close()
        connections = []
        for _ in range(80):
            with contextlib.suppress(OSError):
                connection = socket.socket()
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
                connection.settimeout(0.05)
                connections.append(connection)
                connection.connect((where.host, where.port or 80))
                connection.sendall(ask)
        done.wait(5)
    for connection in connections:
        connection.close()


def idle_clients(url: str, done: Event) -> None:
    """Keep 120 connections that say nothing, or nonsense; whoever is dropped comes again."""
    where = httpx.URL(url)

    def one(begin: bytes) -> None:
        while not done.is_set():
            with (
                contextlib.suppress(OSError),
                socket.create_connection((where.host, where.port or 80), timeout=1) as connection,
            ):
                connection.sendall(begin)
                while not done.is_set() and connection.recv(1000):
                    pass
            done.wait(0.05)

    _all([lambda begin=begin: one(begin) for begin in [b"", b"\x00\xff\r\n\r\n", b"GET /"] * 40])


def _all(work: list[Callable[[], None]]) -> None:
    threads = [threading.Thread(target=one) for one in work]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def attacks() -> dict[str, Attack]:
    """Return the attacks by name."""
    tiny = io.BytesIO()
    Image.new("1", (5000, 5000)).save(tiny, "png")
    image = base64.b64encode(tiny.getvalue()).decode()
    text = json.dumps({"samples": ["x" * 10**6, *[""] * 60]}).encode()
    large = json.dumps({"images": [image] * 64}).encode()
    few = json.dumps({"images": [image] * 4}).encode()
    lists = b'{"samples": [' + b"[]," * (10 * 2**20 // 3 - 10) + b"[]]}"
    return {
        "1 MB of text as JSON, 8 clients": posting(text, 8),
        "64 tiny files of 25 million pixels each, 8 clients": posting(large, 8),
        "4 of these, as many as are allowed, 8 clients": posting(few, 8),
        "80 slow readers": slow_readers,
        "10 MB of empty lists, 8 clients": posting(lists, 8),
        "120 idle clients": idle_clients,
    }


@contextlib.contextmanager
def serving(team: Path, log: Path) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """Serve an artefact as the command does; yield its address and process."""
    with log.open("w") as said, subprocess.Popen(
        [*SERVER, str(team), "--port", "0"], stdout=subprocess.PIPE, stderr=said, text=True,
        cwd=ROOT,
    ) as server:  # fmt: skip
        assert server.stdout is not None
        url = server.stdout.readline().split()[0]
        for _ in range(100):
            with contextlib.suppress(httpx.HTTPError):
                httpx.get(f"{url}/health", timeout=5)
                break
            time.sleep(0.1)
        try:
            yield url, server
        finally:
            server.terminate()


def measured(team: Path, attack: Attack, seconds: float, log: Path) -> Seen:
    """Attack a fresh server and say what a normal client saw meanwhile."""
    forked = get_context("fork")
    with serving(team, log) as (url, server), httpx.Client(timeout=30) as client:
        for _ in range(20):
            client.post(f"{url}/predict", json=NORMAL)
        at_rest = most = resident(server.pid)
        done = forked.Event()
        attacking = forked.Process(target=attack, args=(url, done))
        attacking.start()
        took: list[float] = []
        refused = 0
        end = time.monotonic() + seconds
        while time.monotonic() < end and server.poll() is None:
            begun = time.monotonic()
            try:
                refused += client.post(f"{url}/predict", json=NORMAL).status_code != 200
            except httpx.HTTPError:
                refused += 1
            took.append(time.monotonic() - begun)
            most = max(most, resident(server.pid))
            time.sleep(0.1)
        alive = server.poll() is None
        done.set()
        attacking.join(10)
        attacking.kill()
    return Seen(sorted(took), refused, most - at_rest, log.stat().st_size, alive)


def main(seconds: float) -> int:
    """Write what came of each attack; return 1 where one did harm."""
    command = f"nice -n 10 python benchmarks/reliability/serve_attacks.py {seconds:g}"
    lines = [heading("Attacks on `ensemble serve`", command), f"""
{seconds:g} s each on a fresh server, as the command starts it, three members for 28×28 images;
attackers, server and the client that asks for a normal prediction share the cores. A normal
prediction must be answered within {MOST_SECONDS:g} s throughout, memory stay within
{MOST_MEMORY:g} MiB of that at rest, the log within {MOST_LOG // 1000} kB.

| attack | normal predictions | of them refused | median | slowest | MiB beyond rest | log | as it must be |
|---|--:|--:|--:|--:|--:|--:|---|"""]  # noqa: E501  # fmt: skip
    good = True
    with tempfile.TemporaryDirectory() as place:
        team = Path(place, "team")
        random_team(["mlp-a"] * 3, 10, (1, 28, 28), keep=0.4).save(team)
        for name, attack in attacks().items():
            seen = measured(team, attack, seconds, Path(place, "log"))
            good = good and seen.good
            middle, slowest = seen.seconds[len(seen.seconds) // 2], seen.seconds[-1]
            lines.append(
                f"| {name} | {len(seen.seconds)} | {seen.refused} | {1000 * middle:.0f} ms | "
                f"{1000 * slowest:.0f} ms | {seen.memory:.0f} | {seen.log / 1000:.1f} kB | "
                f"{'yes' if seen.good else 'no'} |"
            )
            print(lines[-1], flush=True)
    PAGE.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return int(not good)


if __name__ == "__main__":
    os.environ["PYTHONPATH"] = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    sys.exit(main(float(sys.argv[1]) if len(sys.argv) > 1 else 30))
