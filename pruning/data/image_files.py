"""Image files become the four parts: their common shape, the cache, what cannot be read."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pruning.core.errors import RequestError
from pruning.data.cache import cached_images, default_cache_dir
from pruning.data.loaded import Loaded, SkippedFile
from pruning.data.raw import RawData
from pruning.data.splits import SPLIT_NAMES, Split, Splits, usual_scaling
from pruning.data.stratify import Partition
from pruning.samples.images import ImageHeader, decode_images, read_headers

DEFAULT_SIZE = 64
LARGEST_COMMON_SIDE = 256
_BLOCK = 1024  # rows moved at a time


@dataclass(frozen=True)
class FileOptions:
    """How image files are read.

    Attributes
    ----------
    image_size
        Side in pixels that images are brought to; None: see `common_shape`.
    cache_dir
        Where arrays above `memory_limit` are kept; None: the user's cache folder.
    memory_limit
        Bytes above which the decoded images go to a memory-mapped file.
    """

    image_size: int | None = None
    cache_dir: Path | None = None
    memory_limit: int = 2 * 2**30

    def __post_init__(self) -> None:
        if self.image_size is not None and self.image_size < 1:
            raise RequestError(f"image size {self.image_size}: allowed 1 and more pixels")


def decode_parts(
    paths: tuple[Path, ...], raw: RawData, parts: Partition, options: FileOptions
) -> Loaded:
    """Decode the files of all parts into one array, of which the parts are views.

    A file that cannot be read is left out of its part and named. The others stay where
    they are: a damaged file does not change the split.

    Raises
    ------
    RequestError
        When no file can be read, or a class has none left in a part.
    """
    order = np.concatenate([getattr(parts, name) for name in SPLIT_NAMES])
    chosen = [paths[i] for i in order]
    headers = [h for h in read_headers(chosen) if isinstance(h, ImageHeader)]
    if not headers:
        raise RequestError(f"none of {len(chosen)} files can be read as an image: {chosen[0]}, …")
    shape = (len(chosen), *common_shape(headers, options.image_size))
    source_pixels = statistics.fmean(h.height * h.width for h in headers)

    def fill(out: NDArray[np.uint8]) -> dict[int, str]:
        failed = decode_images(chosen, out, source_pixels=source_pixels)
        _close_gaps(out, failed)
        return failed

    if math.prod(shape) > options.memory_limit:
        folder = options.cache_dir or default_cache_dir()
        images, failed = cached_images(folder, chosen, shape, fill)
    else:
        images = np.empty(shape, np.uint8)
        failed = fill(images)
    skipped = (SkippedFile(chosen[row], reason) for row, reason in failed.items())
    return Loaded(
        _cut(images, order, failed, raw, parts), tuple(sorted(skipped, key=lambda s: s.path))
    )


def common_shape(headers: Sequence[ImageHeader], image_size: int | None) -> tuple[int, int, int]:
    """Return the (C, H, W) that all images are brought to.

    C is 1 where every image is grey, else 3. Without an `image_size`, H and W are the
    images' own where all are alike and no side exceeds 256 pixels, and else 64 × 64.

    >>> small, wide = ImageHeader(28, 28, grey=True), ImageHeader(480, 640, grey=False)
    >>> common_shape([small, small], None), common_shape([small, wide], None)
    ((1, 28, 28), (3, 64, 64))
    >>> common_shape([small, wide], 32)
    (3, 32, 32)
    """
    channels = 1 if all(header.grey for header in headers) else 3
    sizes = {(header.height, header.width) for header in headers}
    size = max(sizes)
    if image_size is not None:
        size = (image_size, image_size)
    elif len(sizes) > 1 or max(size) > LARGEST_COMMON_SIDE:
        size = (DEFAULT_SIZE, DEFAULT_SIZE)
    return (channels, *size)


def _close_gaps(images: NDArray[np.uint8], failed: Mapping[int, str]) -> None:
    """Move the rows that did not fail to the front, in place and in order."""
    if not failed:
        return
    kept = _kept(len(images), failed)
    end = 0
    for start in range(0, len(images), _BLOCK):
        block = images[start : start + _BLOCK][kept[start : start + _BLOCK]]
        images[end : end + len(block)] = block
        end += len(block)


def _cut(
    images: NDArray[np.uint8],
    order: NDArray[np.int64],
    failed: Mapping[int, str],
    raw: RawData,
    parts: Partition,
) -> Splits:
    """Return the parts as views of `images`, whose first rows are those that did not fail."""
    kept = _kept(len(order), failed)
    ends = np.cumsum([len(getattr(parts, name)) for name in SPLIT_NAMES])
    labels = [
        raw.labels[part[keep]]
        for part, keep in zip(np.split(order, ends[:-1]), np.split(kept, ends[:-1]), strict=True)
    ]
    for name, part in zip(SPLIT_NAMES, labels, strict=True):
        absent = np.setdiff1d(np.arange(len(raw.classes)), part)
        if len(absent):
            raise RequestError(
                f"class {raw.classes.item(absent[0])!r} has no readable image left in {name}: "
                f"{len(failed)} files cannot be read; repair them or add images"
            )
    rows = np.cumsum([0, *map(len, labels)])
    train, val, select, test = (
        Split(images[rows[i] : rows[i + 1]], part) for i, part in enumerate(labels)
    )
    scaling = usual_scaling(train.images)
    return Splits(train, val, select, test, raw.classes, images.shape[1:], scaling)


def _kept(count: int, failed: Mapping[int, str]) -> NDArray[np.bool_]:
    kept = np.ones(count, np.bool_)
    kept[list(failed)] = False
    return kept
