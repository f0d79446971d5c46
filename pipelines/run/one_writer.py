"""One writer per run directory: who comes second is told who holds it."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import json
import os
import socket
import threading
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from pruning.core.errors import RequestError

LOCK = ".writer"
"""Held while a run is written to: who holds it. The system frees it when its holder dies."""

_CANNOT_LOCK = {errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.EINVAL}
_CANNOT_WRITE = {errno.EACCES, errno.EPERM, errno.EROFS}

_held: dict[Path, int] = {}
"""Folders that this process holds, by the thread that asked first."""


class HeldRunError(RequestError):
    """Somebody else is writing to the run."""


@contextlib.contextmanager
def one_writer(folder: Path) -> Iterator[None]:
    """Hold a run's folder for writing; asked for again by the same thread, it is held already.

    A folder that cannot be written to, or whose file system has no locks, is not held.

    Raises
    ------
    HeldRunError
        If another process or thread holds it: who, where, since when.
    """
    place = folder.resolve()
    if _held.get(place) == threading.get_ident():
        yield
        return
    with _locked(place / LOCK, folder):
        _held[place] = threading.get_ident()
        try:
            yield
        finally:
            del _held[place]


@contextlib.contextmanager
def _locked(file: Path, folder: Path) -> Iterator[None]:
    try:
        handle = _open_locked(file, folder)
    except OSError as error:
        if error.errno not in _CANNOT_LOCK | _CANNOT_WRITE:
            raise
        yield
        return
    try:
        holder = {"pid": os.getpid(), "host": socket.gethostname(), "since": _now()}
        os.ftruncate(handle, 0)
        os.pwrite(handle, json.dumps(holder).encode(), 0)
        yield
    finally:
        # Removed while it is held, so that nobody takes a file that is no longer there.
        file.unlink(missing_ok=True)
        os.close(handle)


def _open_locked(file: Path, folder: Path) -> int:
    """Return the handle of the lock file that stands there, locked."""
    while True:
        handle = os.open(file, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o666)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if _stands(file, handle):
                return handle
        except BaseException as error:
            holder = _holder(handle)
            os.close(handle)
            if not isinstance(error, BlockingIOError):
                raise
            raise HeldRunError(
                f"{folder} is being written to by {holder}; wait until that has ended, or end "
                "it, and give the command again"
            ) from None
        os.close(handle)


def _stands(file: Path, handle: int) -> bool:
    """Whether a file is still the one that was opened: its last holder may have removed it."""
    with contextlib.suppress(FileNotFoundError):
        return os.path.samestat(file.stat(), os.fstat(handle))
    return False


def _holder(handle: int) -> str:
    try:
        found = json.loads(os.pread(handle, 4096, 0))
        return f"process {found['pid']} on {found['host']} since {found['since']}"
    except (ValueError, KeyError, TypeError):
        return "another process"


def _now() -> str:
    return datetime.now().astimezone().isoformat(sep=" ", timespec="seconds")
