"""Files that somebody else wrote: ordinary ones only, of a size that was expected."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from pruning.core.errors import RequestError

_NEITHER = getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0)
"""A named pipe without a writer would be waited for; Windows has no such flags."""


def read_regular(path: Path, most: int, *, links: bool = False) -> bytes:
    """Return the bytes of an ordinary file; nothing is read of any other, or of a larger one.

    Parameters
    ----------
    path
        The file.
    most
        Bytes it may have.
    links
        Whether it may be a link. What a user names may be one; what stands in an artefact's
        folder may not, for it could lead to any file of the machine.

    Raises
    ------
    RequestError
        If it is a link, a folder, a pipe or a device, too large, or cannot be read.
    """
    with open_regular(path, most, links=links) as (file, size):
        return file.read(size)


@contextmanager
def open_regular(path: Path, most: int, *, links: bool = False) -> Iterator[tuple[BinaryIO, int]]:
    """Yield an ordinary file, open for reading, and its size; see `read_regular`."""
    flags = os.O_RDONLY | _NEITHER | (0 if links else getattr(os, "O_NOFOLLOW", 0))
    try:
        if not links and path.is_symlink():
            raise RequestError(f"{path} is a link; allowed are ordinary files, copied whole")
        with open(os.open(path, flags), "rb") as file:  # noqa: PTH123 - a descriptor, no path
            about = os.fstat(file.fileno())
            if not stat.S_ISREG(about.st_mode):
                raise RequestError(f"{path} is no ordinary file; copy it again from where it was")
            if about.st_size > most:
                raise RequestError(f"{path} has {about.st_size} bytes; allowed are {most}")
            yield file, about.st_size
    except OSError as error:
        raise RequestError(f"{path} cannot be read: {error.strerror}") from error
