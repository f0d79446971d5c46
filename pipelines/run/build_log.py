"""Lines of JSON that several processes append to one file, whole.

``build.log`` is such a file. A run is never read from it: it may be deleted at any time.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

TAIL = 65_536
"""Bytes read at a time to find the end of the last whole line."""


def append_line(path: Path, content: Mapping[str, Any]) -> None:
    """Append one line; a single write to a file opened for appending is not interleaved."""
    line = (json.dumps(content, ensure_ascii=False, allow_nan=False) + "\n").encode()
    handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
    try:
        os.write(handle, line)
    finally:
        os.close(handle)


def cut_torn_line(path: Path) -> None:
    """Cut off a last line that was not written to its end: the machine stopped, the disk was full.

    Nobody else may be appending.
    """
    if not path.exists():
        return
    with path.open("r+b") as file:
        end = place = file.seek(0, os.SEEK_END)
        while place > 0:
            start = max(0, place - TAIL)
            file.seek(start)
            found = file.read(place - start).rfind(b"\n")
            if found >= 0:
                place = start + found + 1
                break
            place = start
        if place < end:
            file.truncate(place)
