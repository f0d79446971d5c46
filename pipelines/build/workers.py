"""Worker processes of this machine: they end with who started them, and leave Ctrl-C to it."""

from __future__ import annotations

import atexit
import contextlib
import fcntl
import functools
import os
import shutil
import signal
import tempfile
import threading
import time
import warnings
from collections.abc import Iterator
from multiprocessing import resource_tracker
from pathlib import Path
from typing import IO

import joblib
from joblib.externals.loky.backend import resource_tracker as loky_tracker

PREFIX = "ensemble-"
OWNER = "owner"
SHARED_MEMORY = Path("/dev/shm")

LEAST_SHARED = 2 * 2**30
"""Bytes that must be free in shared memory to be used; joblib asks for as many."""

TICK_SECONDS = 0.2


def start_workers(workers: joblib.Parallel, jobs: int) -> None:
    """Start loky's processes with Ctrl-C held back: they print nothing of it, and are ended."""
    # Those that are started with the first worker let Ctrl-C through again.
    resource_tracker.ensure_running()
    loky_tracker.ensure_running()
    with _held_back():
        workers(joblib.delayed(end_with)(os.getpid()) for _ in range(jobs))


@contextlib.contextmanager
def replaced_unsaid() -> Iterator[None]:
    """Let a worker be replaced without a word.

    One whose memory has grown by 300 MB since it began is taken by loky for one that leaks, and
    ended between two shares; another goes on in its place. A share of a large network does grow so.
    """
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "A worker stopped while some jobs were given")
        yield


def end_with(parent: int) -> None:
    """End this worker as soon as the process that started it has ended."""
    if parent != os.getpid():
        _watch(parent)


@functools.cache
def shared_folder() -> Path:
    """Return this process' folder for what workers share: arrays in memory, where there is room.

    It goes when the process ends; those of processes that were killed go when one is made.
    """
    base = _base()
    for left in base.glob(f"{PREFIX}*"):
        _remove_dead(left)
    folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=base))
    # Named when it is locked: who finds it unlocked knows that its process is dead.
    owner = (folder / f"{OWNER}.new").open("wb")
    fcntl.flock(owner, fcntl.LOCK_EX | fcntl.LOCK_NB)
    (folder / f"{OWNER}.new").rename(folder / OWNER)
    atexit.register(_remove, folder, owner, os.getpid())
    return folder


@contextlib.contextmanager
def _held_back() -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@functools.cache
def _watch(parent: int) -> None:
    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(TICK_SECONDS)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def _base() -> Path:
    asked = os.environ.get("JOBLIB_TEMP_FOLDER")
    if asked:
        return Path(asked)
    with contextlib.suppress(OSError):
        if shutil.disk_usage(SHARED_MEMORY).free >= LEAST_SHARED and os.access(
            SHARED_MEMORY, os.W_OK
        ):
            return SHARED_MEMORY
    return Path(tempfile.gettempdir())


def _remove_dead(folder: Path) -> None:
    """Remove the folder of a process that is dead; others' and living ones' stay."""
    with contextlib.suppress(OSError), (folder / OWNER).open("r+b") as owner:
        fcntl.flock(owner, fcntl.LOCK_EX | fcntl.LOCK_NB)
        shutil.rmtree(folder, ignore_errors=True)


def _remove(folder: Path, owner: IO[bytes], process: int) -> None:
    if os.getpid() == process:
        shutil.rmtree(folder, ignore_errors=True)
    owner.close()
