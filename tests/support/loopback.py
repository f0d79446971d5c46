"""Clusters of real processes on this machine, for tests and figures: their parts can be killed."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

SECONDS = 120
"""A part of a cluster that takes longer to begin has failed."""


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def waited(holds: Callable[[], bool], seconds: float = SECONDS) -> bool:
    """Wait until something holds, and return whether it does."""
    end = time.monotonic() + seconds
    while not (found := holds()) and time.monotonic() < end:
        time.sleep(0.05)
    return found


def listens(port: int) -> bool:
    """Whether somebody takes connections."""
    with contextlib.suppress(OSError):
        socket.create_connection(("127.0.0.1", port), 1).close()
        return True
    return False


class Loopback:
    """A scheduler and workers, each a session of its own, so that what a part started ends with it.

    Parameters
    ----------
    folder
        Where they run and log.
    workers
        How many there are at first.
    """

    option = ""

    def __init__(self, folder: Path, workers: int) -> None:
        self.folder, self.port = folder, free_port()
        self.parts: list[subprocess.Popen[bytes]] = []
        self.begin(workers)

    def begin(self, workers: int) -> None:
        """Start the scheduler and so many workers."""
        self.head = self.start(self.head_words())
        if not waited(lambda: listens(self.port)):
            raise RuntimeError((self.folder / "log").read_text()[-2000:])
        self.workers = [self.add() for _ in range(workers)]

    def head_words(self) -> list[str]:
        """Return the command that starts the scheduler."""
        raise NotImplementedError

    def worker_words(self) -> list[str]:
        """Return the command that starts a worker."""
        raise NotImplementedError

    def add(self) -> subprocess.Popen[bytes]:
        """Start one more worker; it is not waited for."""
        return self.start(self.worker_words())

    @property
    def address(self) -> str:
        """What `ensemble build` is given."""
        raise NotImplementedError

    def start(self, words: list[str]) -> subprocess.Popen[bytes]:
        """Start a part."""
        with (self.folder / "log").open("ab") as log:
            part = subprocess.Popen(
                words, cwd=self.folder, stdout=log, stderr=log, start_new_session=True,
                env={**os.environ, "OMP_NUM_THREADS": "1", "RAY_USAGE_STATS_ENABLED": "0"},
            )  # fmt: skip
        self.parts.append(part)
        return part

    def kill(self, part: subprocess.Popen[bytes]) -> None:
        """End a part, and all that it started, at once."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(part.pid, signal.SIGKILL)
        part.wait()

    def stop(self) -> None:
        """End all parts."""
        for part in self.parts:
            self.kill(part)
        self.parts = []


class Dask(Loopback):
    """A Dask scheduler and workers of one thread, without nannies."""

    option = "--scheduler"

    def head_words(self) -> list[str]:
        """Return the command that starts the scheduler."""
        where = ["--host", "127.0.0.1", "--port", str(self.port), "--no-dashboard"]
        return [sys.executable, "-m", "dask", "scheduler", *where]

    def worker_words(self) -> list[str]:
        """Return the command that starts a worker."""
        how = ["--nthreads", "1", "--no-nanny", "--no-dashboard"]
        return [sys.executable, "-m", "dask", "worker", self.address, *how]

    @property
    def address(self) -> str:
        """What `ensemble build` is given."""
        return f"tcp://127.0.0.1:{self.port}"


class Ray(Loopback):
    """A Ray head without cores, and nodes of one core."""

    option = "--ray"

    def head_words(self) -> list[str]:
        """Return the command that starts the head."""
        where = ["--port", str(self.port), "--node-ip-address", "127.0.0.1"]
        return [*self._ray(), "--head", *where, "--include-dashboard", "false",
                "--num-cpus", "0"]  # fmt: skip

    def worker_words(self) -> list[str]:
        """Return the command that starts a node."""
        return [*self._ray(), "--address", self.address, "--num-cpus", "1"]

    @property
    def address(self) -> str:
        """What `ensemble build` is given."""
        return f"127.0.0.1:{self.port}"

    def _ray(self) -> list[str]:
        beside = Path(sys.executable).with_name("ray")
        ray = str(beside) if beside.exists() else shutil.which("ray") or "ray"
        return [ray, "start", "--block", "--object-store-memory", "100000000"]


CLUSTERS: dict[str, type[Loopback]] = {"distributed": Dask, "ray": Ray}
"""Package that must be installed → its cluster."""


@contextlib.contextmanager
def loopback(package: str, folder: Path, workers: int) -> Iterator[Loopback]:
    """Yield a cluster that ends afterwards."""
    folder.mkdir(parents=True, exist_ok=True)
    cluster = CLUSTERS[package](folder, workers)
    try:
        yield cluster
    finally:
        cluster.stop()


def start(words: Sequence[str], folder: Path) -> subprocess.Popen[str]:
    """Start one of our commands in a folder, a session of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "pipelines.commands.cli", *words],
        cwd=folder, text=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
        start_new_session=True, env={**os.environ, "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
