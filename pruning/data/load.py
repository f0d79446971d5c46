"""From a name or a path to the four parts of a data set."""

from __future__ import annotations

import difflib
from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np

from pruning.core.errors import RequestError, unknown_name
from pruning.core.seeds import numpy_generator
from pruning.data.arrays import Given
from pruning.data.folder import read_folder
from pruning.data.grouped import partition_by_group
from pruning.data.groups import read_groups
from pruning.data.image_files import FileOptions, decode_parts
from pruning.data.loaded import Loaded
from pruning.data.npz import NpzData, read_npz
from pruning.data.raw import Array, RawData
from pruning.data.sources import SOURCES
from pruning.data.splits import Splits
from pruning.data.stratify import Partition, partition
from pruning.samples.reading import Fit


def load_splits(
    data: str,
    *,
    data_dir: Path | None = None,
    seed: int = 0,
    image_size: int | tuple[int, int] | None = None,
    fit: Fit | Literal["auto"] = "auto",
    axes: str = "auto",
    groups: Path | None = None,
    limit: int | None = None,
    cache_dir: Path | None = None,
    memory_limit: int = FileOptions.memory_limit,
) -> Loaded:
    """Read a data set and cut it into train, val, select and test.

    The same arguments give the same bytes.

    Parameters
    ----------
    data
        A name in `pruning.data.sources.SOURCES`, a folder of class folders, or an ``.npz``. The
        parts of the last two may be given: `pruning.data.folder`, `pruning.data.npz`.
    data_dir
        Where a named data set's files are, or go when they can be downloaded.
    seed
        Decides which sample falls into which part.
    image_size
        Side, or (H, W), in pixels that images from files are brought to; None:
        `pruning.data.image_files.common_size` decides.
    fit
        How: ``"cut"``, ``"stretch"`` or ``"pad"``; ``"auto"`` cuts where half of a typical image
        stays, and pads else.
    axes
        What the axes of an ``.npz``'s samples are, such as ``"NCHW"``; ``"auto"``: see
        `pruning.data.arrays.labelled_arrays`.
    groups
        File with the group of each sample (`pruning.data.groups`), none of which is divided;
        None: the array ``groups`` of an ``.npz`` that has one.
    limit
        Keep only so many samples besides a published test part, the classes in proportion.
    cache_dir
        Where decoded images are kept that take more than `memory_limit`; None: the user's
        cache folder.
    memory_limit
        Bytes of decoded images above which they are memory-mapped from `cache_dir`.

    Raises
    ------
    RequestError
        For a name, path, file or class that cannot be used; one line.

    >>> splits = load_splits("digits", seed=0).splits
    >>> splits.sizes
    {'train': 1078, 'val': 180, 'select': 272, 'test': 267}
    >>> splits.input_shape, splits.train.images.dtype
    ((1, 8, 8), dtype('uint8'))
    """
    options = FileOptions(image_size, fit, cache_dir, memory_limit)
    found = _read(data, data_dir, "" if axes == "auto" else axes)
    raw = _noted(found.raw)
    if len(raw.classes) < 2:
        raise RequestError(
            f"{data} has one class, {raw.classes.item(0)!r}; classification needs at least 2"
        )
    given = read_groups(groups, raw, Path(data)) if groups else found.groups
    parts = _cut(raw, given, numpy_generator(seed, "split"), limit)
    if isinstance(raw.samples, tuple):
        loaded = decode_parts(raw.samples, raw, parts, options)
        return replace(loaded, left_out=raw.left_out)
    _check_size(data, raw.samples, options.size)
    return Loaded(Splits.cut(raw, parts))


def _cut(
    raw: RawData, groups: Given | None, rng: np.random.Generator, limit: int | None
) -> Partition:
    if groups is None:
        return partition(raw, rng, limit)
    if limit is not None:
        raise RequestError("`limit` would divide groups; leave it or the groups out")
    return partition_by_group(raw, groups, rng)


def _noted(raw: RawData) -> RawData:
    """Say what becomes of a given validation part."""
    if raw.val_from is None:
        return raw
    role = "halved, for stopping and for choosing the team"
    if raw.test_from is None:
        role = "the test part, as none is given"
    return replace(raw, notes=(*raw.notes, f"the given validation part is {role}"))


def _read(data: str, data_dir: Path | None, axes: str) -> NpzData:
    path = Path(data).expanduser()
    if data not in SOURCES and path.is_file() and path.suffix.lower() == ".npz":
        return read_npz(path, axes)
    if axes:
        raise RequestError(f"`axes` {axes} are those of an .npz; {data} is none: leave them out")
    if data in SOURCES:
        return NpzData(SOURCES[data](data_dir), None)
    if path.is_dir():
        return NpzData(read_folder(path), None)
    kinds = "a folder of class folders or an .npz with X and y"
    if path.exists():
        raise RequestError(f"data {data} is neither: allowed are {kinds}")
    if path.suffix or "/" in data or "\\" in data:
        raise RequestError(
            f"data {data} does not exist{_near(path)}; allowed are {kinds}, or a name"
        )
    unknown = unknown_name("data set", data, SOURCES)
    raise RequestError(f"{unknown}, or the path of {kinds}{_near(path)}")


def _near(path: Path) -> str:
    """Return a hint at data beside `path` whose name is nearly its own; empty where none is."""
    try:
        beside = [one for one in path.parent.iterdir() if one.is_dir() or one.suffix == ".npz"]
    except OSError:
        return ""
    near = difflib.get_close_matches(path.name, [one.name for one in beside], n=1, cutoff=0.75)
    return f"; there is {path.parent / near[0]}" if near else ""


def _check_size(data: str, samples: Array, size: tuple[int, int] | None) -> None:
    if size is not None and samples.shape[1:][-2:] != size:
        shown = size[0] if size[0] == size[1] else f"{size[0]}x{size[1]}"
        raise RequestError(
            f"image size {shown} is for image files; {data} has samples of shape "
            f"{samples.shape[1:]}: leave the size out"
        )
