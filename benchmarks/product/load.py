"""Many clients at once on `ensemble serve`: answers by status, p99, growth of memory.

    python benchmarks/product/load.py [clients] [seconds]

Once with the limit above the number of clients (no error is allowed), once with the limit
below it (only 200 and 503 with Retry-After are allowed).
"""

from __future__ import annotations

import asyncio
import io
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image
from teams import heading, noise, random_team

SERVER = """
import sys, ensemble
from ensemble.web.app import serve
from ensemble.web.limits import Limits
serve(ensemble.load(sys.argv[1]), port=int(sys.argv[2]), limits=Limits(requests=int(sys.argv[3])))
"""


class Server(NamedTuple):
    """Where a server listens, and its process."""

    port: int
    pid: int


def resident(pid: int) -> float:
    """Return the resident memory of a process in MiB."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0]) / 1024


def request() -> bytes:
    """Return a whole HTTP request that uploads a 28×28 PNG."""
    file = io.BytesIO()
    Image.fromarray(noise(1, (28, 28))[0]).save(file, "png")
    body = (
        b'--x\r\nContent-Disposition: form-data; name="image"; filename="a.png"\r\n'
        b"Content-Type: image/png\r\n\r\n" + file.getvalue() + b"\r\n--x--\r\n"
    )
    head = (
        "POST /predict HTTP/1.1\r\nHost: localhost\r\n"
        f"Content-Type: multipart/form-data; boundary=x\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


async def client(
    port: int, data: bytes, end: float, found: Counter[str], times: list[float]
) -> None:
    """Ask again and again until `end`, on one connection as long as it is kept."""
    writer = None
    while time.monotonic() < end:
        begun = time.monotonic()
        try:
            if writer is None:
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(data)
            head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
            length = int(head.split("content-length: ")[1].split("\r\n")[0])
            await reader.readexactly(length)
        except (OSError, asyncio.IncompleteReadError) as error:
            found[type(error).__name__] += 1
            writer = None
            continue
        status = head.split()[1]
        found[f"{status}{' with retry-after' if 'retry-after' in head else ''}"] += 1
        if status == "200":
            times.append(time.monotonic() - begun)
        if "connection: close" in head:
            writer.close()
            writer = None
            await asyncio.sleep(0.05)


async def storm(port: int, clients: int, seconds: float) -> tuple[Counter[str], list[float]]:
    """Return the answers by status and the seconds of each good one."""
    found: Counter[str] = Counter()
    times: list[float] = []
    end = time.monotonic() + seconds
    data = request()
    await asyncio.gather(*(client(port, data, end, found, times) for _ in range(clients)))
    return found, times


@contextmanager
def serving(folder: Path, limit: int) -> Iterator[Server]:
    """Serve an artefact in a process of its own for as long as the block lasts."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-c", SERVER, str(folder), str(port), str(limit)]
    with subprocess.Popen(command) as server:
        while True:
            try:
                socket.create_connection(("127.0.0.1", port)).close()
                break
            except OSError:
                time.sleep(0.1)
        try:
            yield Server(port, server.pid)
        finally:
            server.terminate()


def measure(folder: Path, clients: int, seconds: float, limit: int) -> None:
    """Run one storm against a fresh server and print what came of it."""
    with serving(folder, limit) as server:
        asyncio.run(storm(server.port, clients, 3))
        before = resident(server.pid)
        found, times = asyncio.run(storm(server.port, clients, seconds))
        after = resident(server.pid)
    p50, p99 = np.quantile(times, [0.5, 0.99]) * 1000
    answers = ", ".join(f"{count:,} × {name}" for name, count in found.most_common())
    print(
        f"| {limit} | {answers} | {p50:.0f} ms | {p99:.0f} ms | {before:.0f} → {after:.0f} MiB |",
        flush=True,
    )


if __name__ == "__main__":
    number = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    duration = float(sys.argv[2]) if len(sys.argv) > 2 else 30
    asked = f"python benchmarks/product/load.py {number} {duration:g}"
    print(heading(f"`ensemble serve` under {number} clients at once", asked))
    print(
        f"{duration:g} s after 3 s of warming up; each client uploads a 28×28 PNG again and again."
    )
    print("\n| limit | answers | p50 | p99 | resident memory |\n|--:|---|--:|--:|--:|")
    with tempfile.TemporaryDirectory() as place:
        team = Path(place, "team")
        random_team(["mlp-a"] * 5, 10, (1, 28, 28), keep=0.4).save(team)
        measure(team, number, duration, limit=number + 56)
        measure(team, number, duration, limit=64)
