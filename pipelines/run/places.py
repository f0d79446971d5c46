"""Folders that results go to, tried before the work whose results they are."""

from __future__ import annotations

import tempfile
from pathlib import Path

from pruning.core.errors import RequestError


def check_folder(folder: Path, argument: str) -> None:
    """Check that files can be written to a folder; nothing is left behind.

    Parameters
    ----------
    folder
        It need not be there.
    argument
        Which one it is of what was asked.

    Raises
    ------
    RequestError
        Which argument, and why not.
    """
    try:
        whole = folder.resolve()
        there = next(place for place in (whole, *whole.parents) if place.exists())
        with tempfile.TemporaryDirectory(dir=there) as room:
            Path(room, whole.relative_to(there)).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise RequestError(
            f"`{argument}` {folder} cannot be written to: {reason}; give another folder"
        ) from error
