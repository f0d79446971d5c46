"""Decoded images that do not fit in memory, in memory-mapped files that are reused."""

from __future__ import annotations

import hashlib
import json
import math
import os
import shutil
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from pruning.core.errors import RequestError
from pruning.samples.images import Pixels

#: Raise this when the same files would decode to other bytes.
DECODING = 1
_EIGHT_BIT = np.dtype(np.uint8)
_ARRAY, _FAILED = "images.npy", "failed.json"


class CachedImages(NamedTuple):
    """The array, writable without changing the file, and the rows that failed, with why."""

    images: Pixels
    failed: dict[int, str]


def default_cache_dir() -> Path:
    """Return ``dropnet-ensemble`` in the user's cache folder (XDG)."""
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "dropnet-ensemble"


def cached_images(
    cache_dir: Path,
    paths: Sequence[Path],
    shape: tuple[int, ...],
    fill: Callable[[Pixels], dict[int, str]],
    *,
    dtype: np.dtype[np.uint8] | np.dtype[np.float32] = _EIGHT_BIT,
    how: str = "",
) -> CachedImages:
    """Return the images of `paths`, decoding them only when the cache does not have them.

    An entry is found by the files' paths, sizes, modification times and order, and by
    `shape`, `dtype` and `how`. It appears whole or not at all.

    Parameters
    ----------
    cache_dir
        Made where it is missing.
    paths
        The image files.
    shape
        (N, C, H, W) of the array.
    fill
        Writes the array and returns the rows that failed, with why.
    dtype
        Of the array.
    how
        What else the decoded values depend on.

    Raises
    ------
    RequestError
        When the disk has no room for the array.
    """
    entry = cache_dir / _key(paths, shape, f"{'' if dtype == np.uint8 else dtype}{how}")
    if not entry.exists():
        cache_dir.mkdir(parents=True, exist_ok=True)
        _check_room(cache_dir, math.prod(shape) * dtype.itemsize)
        with tempfile.TemporaryDirectory(dir=cache_dir, prefix=".new-") as temporary:
            _write(Path(temporary, "entry"), shape, dtype, fill)
            if not entry.exists():
                Path(temporary, "entry").rename(entry)
    failed = json.loads((entry / _FAILED).read_text(encoding="utf-8"))
    return CachedImages(
        np.load(entry / _ARRAY, mmap_mode="c"), {int(row): why for row, why in failed.items()}
    )


def _write(
    folder: Path,
    shape: tuple[int, ...],
    dtype: np.dtype[Any],
    fill: Callable[[Pixels], dict[int, str]],
) -> None:
    folder.mkdir()
    images = np.lib.format.open_memmap(folder / _ARRAY, mode="w+", dtype=dtype, shape=shape)
    failed = fill(images)
    images.flush()
    (folder / _FAILED).write_text(json.dumps(failed), encoding="utf-8")


def _key(paths: Sequence[Path], shape: tuple[int, ...], how: str) -> str:
    digest = hashlib.sha256(f"{DECODING} {shape}{how}".encode())
    for path in paths:
        stat = path.stat()
        digest.update(b"\0" + os.fsencode(path.absolute()))
        digest.update(f"\0{stat.st_size}\0{stat.st_mtime_ns}".encode())
    return digest.hexdigest()[:32]


def _check_room(folder: Path, needed: int) -> None:
    # a memory-mapped file on a full disk ends the process instead of raising
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise RequestError(
            f"the decoded images take {needed / 2**30:.1f} GiB and {folder} has {free / 2**30:.1f} "
            "GiB free; choose a smaller image size, a limit, or another cache folder"
        )
