"""From what the user typed after ``--data`` to the four parts of a data set."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pruning.data.raw import RawData
from pruning.data.sources import SOURCES
from pruning.data.splits import Split, Splits
from pruning.data.stratify import Partition, partition
from pruning.errors import RequestError, unknown_name
from pruning.seeds import numpy_generator


@dataclass(frozen=True)
class SkippedFile:
    """A file that could not be read as an image, and why."""

    path: Path
    reason: str


@dataclass(frozen=True)
class Loaded:
    """The parts of a data set, and the files that are in none of them.

    Attributes
    ----------
    splits
        The parts.
    skipped
        Unreadable images, sorted by path; the caller shows them.
    """

    splits: Splits
    skipped: tuple[SkippedFile, ...] = ()


def load_splits(
    data: str,
    *,
    data_dir: Path | None = None,
    seed: int = 0,
    image_size: int | None = None,
    limit: int | None = None,
    cache_dir: Path | None = None,
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
        Side in pixels that images from files are brought to; None: see
        `pruning.data.folder`.
    limit
        Keep only so many samples besides a published test part, the classes in proportion.
    cache_dir
        Where images that do not fit in memory are kept, see `pruning.data.cache`.

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
    raw = _read(data, data_dir)
    if len(raw.classes) < 2:
        raise RequestError(
            f"{data} has one class, {raw.classes.item(0)!r}; classification needs at least 2"
        )
    parts = partition(raw, numpy_generator(seed, "split"), limit)
    return Loaded(_split_array(raw, parts))


def _read(data: str, data_dir: Path | None) -> RawData:
    if data in SOURCES:
        return SOURCES[data](data_dir)
    raise unknown_name("data set", data, SOURCES)


def _split_array(raw: RawData, parts: Partition) -> Splits:
    samples = raw.samples
    if isinstance(samples, tuple):
        raise RequestError("image files are read by a later version")
    train, val, select, test = (
        Split(samples[indices], raw.labels[indices])
        for indices in (parts.train, parts.val, parts.select, parts.test)
    )
    return Splits(train, val, select, test, raw.classes, samples.shape[1:])
