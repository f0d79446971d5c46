"""From a name or a path to the four parts of a data set."""

from __future__ import annotations

from pathlib import Path

from pruning.core.errors import RequestError, unknown_name
from pruning.core.seeds import numpy_generator
from pruning.data.folder import read_folder
from pruning.data.image_files import FileOptions, decode_parts
from pruning.data.loaded import Loaded
from pruning.data.npz import read_npz
from pruning.data.raw import Array, RawData
from pruning.data.sources import SOURCES
from pruning.data.splits import Splits
from pruning.data.stratify import partition


def load_splits(
    data: str,
    *,
    data_dir: Path | None = None,
    seed: int = 0,
    image_size: int | None = None,
    limit: int | None = None,
    cache_dir: Path | None = None,
    memory_limit: int = FileOptions.memory_limit,
) -> Loaded:
    """Read a data set and cut it into train, val, select and test.

    The same arguments give the same bytes.

    Parameters
    ----------
    data
        A name in `pruning.data.sources.SOURCES`, a folder of class folders, or an ``.npz``.
    data_dir
        Where a named data set's files are, or go when they can be downloaded.
    seed
        Decides which sample falls into which part.
    image_size
        Side in pixels that images from files are brought to; None:
        `pruning.data.image_files.common_shape` decides.
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
    options = FileOptions(image_size, cache_dir, memory_limit)
    raw = _read(data, data_dir)
    if len(raw.classes) < 2:
        raise RequestError(
            f"{data} has one class, {raw.classes.item(0)!r}; classification needs at least 2"
        )
    parts = partition(raw, numpy_generator(seed, "split"), limit)
    if isinstance(raw.samples, tuple):
        return decode_parts(raw.samples, raw, parts, options)
    _check_size(data, raw.samples, image_size)
    return Loaded(Splits.cut(raw, parts))


def _read(data: str, data_dir: Path | None) -> RawData:
    if data in SOURCES:
        return SOURCES[data](data_dir)
    path = Path(data).expanduser()
    if path.is_dir():
        return read_folder(path)
    if path.is_file() and path.suffix.lower() == ".npz":
        return read_npz(path)
    kinds = "a folder of class folders or an .npz with X and y"
    if path.exists():
        raise RequestError(f"data {data} is neither: allowed are {kinds}")
    if path.suffix or "/" in data or "\\" in data:
        raise RequestError(f"data {data} does not exist; allowed are {kinds}, or a name")
    raise RequestError(f"{unknown_name('data set', data, SOURCES)}, or the path of {kinds}")


def _check_size(data: str, samples: Array, image_size: int | None) -> None:
    if image_size is not None and samples.shape[1:][-2:] != (image_size, image_size):
        raise RequestError(
            f"image size {image_size} is for image files; {data} has samples of shape "
            f"{samples.shape[1:]}: leave the size out"
        )
