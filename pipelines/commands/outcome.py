"""What a command says, and how, on any terminal and machine: its streams, its last line."""

from __future__ import annotations

import errno
import io
import select
import shlex
import sys
from pathlib import Path
from typing import Any

import click

from pruning.core.errors import DamagedRunError, MachineError, RequestError, one_line
from pruning.core.plain_text import plain

_WAYS_OUT = {
    errno.ENOSPC: "free some space; the same command goes on where it stopped",
    errno.EDQUOT: "free some space; the same command goes on where it stopped",
    errno.EACCES: "give a place that you may write to and read from",
    errno.EPERM: "give a place that you may write to and read from",
    errno.EROFS: "give a place that can be written to",
    errno.ENOTDIR: "give a folder, none of whose parents is a file",
    errno.ENOENT: "give a place that exists",
    errno.ENAMETOOLONG: "give a shorter name",
}


def quoted(path: object) -> str:
    """Return a path as a shell takes it, for a command that is advised.

    >>> quoted("results/a b"), quoted("results/ab")
    ("'results/a b'", 'results/ab')
    """
    return shlex.quote(str(path))


class _Nowhere(io.RawIOBase):
    """A file that takes everything and keeps nothing."""

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        return len(data)


def open_streams() -> None:
    """Let any text be written: what the encoding lacks is escaped, a closed stream swallows it."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            _swallow(name)
            continue
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def say_unchecked(source: str) -> None:
    """Say in a line what of a run of version 1 nobody can check."""
    from ensemble.storage.contents import PRODUCTS, unchecked

    if line := unchecked(Path(source), [name for name, _ in PRODUCTS.values()]):
        click.echo(f"ensemble: {line}", err=True)


def bad_name(error: Exception) -> bool:
    """Whether an error is of a path that no machine could have: a wrong request."""
    return isinstance(error, OSError) and error.errno in (errno.ENAMETOOLONG, errno.EINVAL)


def flushed(code: int) -> int:
    """Write what standard output still holds, and return the exit code.

    Python does so as it ends, with a traceback where a reader has left or the disk is full.
    """
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        _swallow("stdout")
    except OSError as error:
        _swallow("stdout")
        click.echo(f"ensemble: standard output: {last_line(error)}", err=True)
        code = code or 1
    return code


def reader_left() -> bool:
    """Whether nobody reads standard output any more, as after ``| head``."""
    try:
        sys.stdout.flush()
        polled = select.poll()
        polled.register(sys.stdout.fileno(), 0)  # asked for or not, an end that is gone is told
        return bool(polled.poll(0))
    except BrokenPipeError:
        return True
    except (AttributeError, OSError, ValueError):  # no poll on this system, or no file to ask
        return False


def _swallow(name: str) -> None:
    setattr(sys, name, io.TextIOWrapper(_Nowhere(), encoding="utf-8"))


def last_line(error: Exception) -> str:
    """Return an error as one line, without what only a programmer reads.

    >>> last_line(PermissionError(13, "Permission denied", "/root/x"))
    '/root/x: Permission denied; give a place that you may write to and read from'
    """
    if isinstance(error, click.ClickException):
        text = _with_help(error, error.format_message())
    elif isinstance(error, OSError) and error.strerror:
        place = f"{error.filename}: " if error.filename else ""
        way = _WAYS_OUT.get(error.errno or 0)
        text = f"{place}{error.strerror}{f'; {way}' if way else ''}"
    elif isinstance(error, MemoryError):
        text = f"memory ran out ({error}); use fewer jobs, a smaller batch or smaller images"
    elif isinstance(error, RequestError | DamagedRunError | MachineError):
        text = str(error)
    else:
        text = ": ".join(filter(None, (type(error).__name__, str(error))))
    return plain(one_line(" ".join(text.split())))


def _with_help(error: click.ClickException, text: str) -> str:
    """Say what click does not: where what is allowed stands."""
    context = error.ctx if isinstance(error, click.UsageError) else None
    if context is None:
        return text
    text = text.replace("valid integer range", "valid integer").removesuffix(".")
    return f"{text}; see `{context.command_path} --help`"
