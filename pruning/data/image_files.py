"""Image files become the four parts: their common shape, the cache, what cannot be read."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from pruning.core.errors import RequestError
from pruning.data.cache import cached_images, default_cache_dir
from pruning.data.loaded import Loaded, SkippedFile
from pruning.data.raw import RawData
from pruning.data.splits import SPLIT_NAMES, Split, Splits
from pruning.data.storing import usual_scaling
from pruning.data.stratify import Partition
from pruning.samples.images import DEEP_WHITE, ImageHeader, Pixels, decode_images, read_headers
from pruning.samples.reading import Fit, Reading, Units
from pruning.samples.scaling import Scaling

DEFAULT_SIZE = 64
MOST_COMMON_PIXELS = 256 * 256
LEAST_KEPT = 0.5
"""Share of a typical image that must stay for its sides to be cut off unasked."""

_BLOCK = 1024  # rows moved at a time


@dataclass(frozen=True)
class FileOptions:
    """How image files are read.

    Attributes
    ----------
    image_size
        (H, W), or the side, in pixels that images are brought to; None: see `common_size`.
    fit
        How; ``"auto"``: see `common_size`.
    cache_dir
        Where arrays above `memory_limit` are kept; None: the user's cache folder.
    memory_limit
        Bytes above which the decoded images go to a memory-mapped file.
    """

    image_size: int | tuple[int, int] | None = None
    fit: Fit | Literal["auto"] = "auto"
    cache_dir: Path | None = None
    memory_limit: int = 2 * 2**30

    def __post_init__(self) -> None:
        if self.image_size is not None and min(np.atleast_1d(self.image_size)) < 1:
            raise RequestError(f"image size {self.image_size}: allowed 1 and more pixels")

    @property
    def size(self) -> tuple[int, int] | None:
        """(H, W), where one is asked for."""
        if self.image_size is None or isinstance(self.image_size, tuple):
            return self.image_size
        return self.image_size, self.image_size


@dataclass(frozen=True)
class ImagePlan:
    """What all images of a data set are brought to.

    Attributes
    ----------
    shape
        (C, H, W); C is 1 where every image is grey, else 3.
    fit
        How images of another size are brought to it.
    deep
        Whether they are kept in float32, as some have 16 bits.
    notes
        What becomes of them, a line each.
    """

    shape: tuple[int, int, int]
    fit: Fit
    deep: bool
    notes: tuple[str, ...]


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
    plan = plan_images(headers, options)
    shape = (len(chosen), *plan.shape)
    dtype = np.dtype(np.float32) if plan.deep else np.dtype(np.uint8)
    source_pixels = statistics.fmean(h.height * h.width for h in headers)

    def fill(out: Pixels) -> dict[int, str]:
        failed = decode_images(chosen, out, source_pixels=source_pixels, fit=plan.fit)
        _close_gaps(out, failed)
        return failed

    if math.prod(shape) * dtype.itemsize > options.memory_limit:
        folder = options.cache_dir or default_cache_dir()
        how = "" if plan.fit == "cut" else plan.fit
        images, failed = cached_images(folder, chosen, shape, fill, dtype=dtype, how=how)
    else:
        images = np.empty(shape, dtype)
        failed = fill(images)
    skipped = (SkippedFile(chosen[row], reason) for row, reason in failed.items())
    return Loaded(
        _cut(images, order, failed, raw, parts, plan),
        tuple(sorted(skipped, key=lambda s: s.path)),
    )


def plan_images(headers: Sequence[ImageHeader], options: FileOptions) -> ImagePlan:
    """Return what images of these headers are brought to, as far as options leave it open."""
    height, width = common_size(headers, options.size)
    channels = 1 if all(header.grey for header in headers) else 3
    kept = statistics.median(_share_kept(header, height, width) for header in headers)
    fit: Fit = ("cut" if kept >= LEAST_KEPT else "pad") if options.fit == "auto" else options.fit
    deep = any(header.deep for header in headers)
    notes = [*_size_note(headers, (height, width), fit, kept), *_depth_notes(headers)]
    return ImagePlan((channels, height, width), fit, deep, tuple(notes))


def common_size(
    headers: Sequence[ImageHeader], asked: tuple[int, int] | None = None
) -> tuple[int, int]:
    """Return the (H, W) that all images are brought to.

    What is asked for; else the images' own size where all are alike and have at most 256 × 256
    pixels; else 64 × 64.

    >>> small, wide = ImageHeader(28, 28, grey=True), ImageHeader(64, 400, grey=True)
    >>> common_size([small, small]), common_size([wide]), common_size([small, wide])
    ((28, 28), (64, 400), (64, 64))
    """
    sizes = {(header.height, header.width) for header in headers}
    if asked is not None:
        return asked
    alike = len(sizes) == 1 and math.prod(next(iter(sizes))) <= MOST_COMMON_PIXELS
    return next(iter(sizes)) if alike else (DEFAULT_SIZE, DEFAULT_SIZE)


def _share_kept(header: ImageHeader, height: int, width: int) -> float:
    """Return the share of an image that stays when it is cut to these proportions."""
    ratio = header.width * height / (header.height * width)
    return min(ratio, 1 / ratio)


def _size_note(
    headers: Sequence[ImageHeader], size: tuple[int, int], fit: Fit, kept: float
) -> list[str]:
    sizes = sorted({(header.height, header.width) for header in headers})
    if sizes == [size]:
        return []
    shown = f"{sizes[0][0]}x{sizes[0][1]}"
    if len(sizes) > 1:
        shown += f" to {sizes[-1][0]}x{sizes[-1][1]}"
    done = "scaled"
    if kept < 1 or fit != "cut":
        done = {
            "cut": f"scaled and cut at the sides, of which {kept:.0%} of a typical image stays",
            "stretch": "stretched",
            "pad": "scaled and padded with black",
        }[fit]
    return [
        f"images of {shown} are {done}, to {size[0]}x{size[1]}; other choices: `image_size`, "
        "HEIGHTxWIDTH, and `fit` cut, stretch or pad"
    ]


def _depth_notes(headers: Sequence[ImageHeader]) -> list[str]:
    notes = []
    deep = sum(header.deep for header in headers)
    if 0 < deep < len(headers):
        notes.append(
            f"{deep} of {len(headers)} images have 16 bits, the others 8: white is white in both"
        )
    if narrowed := sum(header.narrowed for header in headers):
        notes.append(
            f"{narrowed} colour images have 16 bits, of which 8 are read: Pillow holds no more; "
            "arrays (.npz) keep all"
        )
    return notes


def _close_gaps(images: Pixels, failed: Mapping[int, str]) -> None:
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
    images: Pixels,
    order: NDArray[np.int64],
    failed: Mapping[int, str],
    raw: RawData,
    parts: Partition,
    plan: ImagePlan,
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
                f"{len(failed)} files cannot be read ({next(iter(failed.values()))}); repair them "
                "or add images"
            )
    rows = np.cumsum([0, *map(len, labels)])
    train, val, select, test = (
        Split(images[rows[i] : rows[i + 1]], part) for i, part in enumerate(labels)
    )
    scaling = _scaling(train.images, plan)
    notes = (*raw.notes, *plan.notes)
    return Splits.of_parts(train, val, select, test, raw.classes, scaling, notes)


def _scaling(train: Pixels, plan: ImagePlan) -> Scaling:
    """Return what makes network input of the decoded images."""
    if not plan.deep:
        return replace(usual_scaling(train), reading=Reading(plan.fit))
    mean, deviation = train.mean(dtype=np.float64), train.std(dtype=np.float64)
    reading = Reading(plan.fit, units=Units(brightest=DEEP_WHITE))
    return Scaling((float(mean),), (float(deviation) or 1.0,), reading)


def _kept(count: int, failed: Mapping[int, str]) -> NDArray[np.bool_]:
    kept = np.ones(count, np.bool_)
    kept[list(failed)] = False
    return kept
