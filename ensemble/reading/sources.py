"""What the command line names → batches of samples: files, folders, arrays, standard input.

One batch is in memory at a time. What cannot be read becomes a `Failure`; the rest goes on.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, cast

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from ensemble.reading.inputs import Samples, as_samples, check_several
from pruning.core.array_values import ArrayValue
from pruning.core.errors import RequestError

STANDARD_INPUT = "-"
_NPY = b"\x93NUMPY"
_LONGEST_LINE = 2**16
"""Bytes of a path on standard input."""

_SLICE = 2**20
"""Bytes of an array that are read from standard input at once."""

_HEADERS_READ = 8
"""Images whose size tells how many pixels to expect of a folder's."""


@dataclass(frozen=True)
class Failure:
    """A source that gave no samples, and why."""

    source: str
    reason: str


@dataclass(frozen=True, eq=False)
class Batch(ArrayValue):
    """Samples that were read together.

    Attributes
    ----------
    names
        N texts: a file, or ``array[row]``.
    samples
        (N, *input_shape) uint8 or float32.
    failures
        What could not be read on the way.
    """

    names: tuple[str, ...]
    samples: Samples
    failures: tuple[Failure, ...] = ()


def check_sources(sources: Iterable[str], shape: tuple[int, ...]) -> None:
    """Refuse, before anything is predicted, what does not exist or cannot hold samples.

    Raises
    ------
    RequestError
        For the first such source.
    """
    for source in sources:
        path = Path(source)
        if source != STANDARD_INPUT and not path.exists():
            raise RequestError(f"{source} does not exist; give images, folders, .npy, .npz or -")
        rows = len(shape) == 1
        if rows and source != STANDARD_INPUT and path.suffix not in (".npy", ".npz"):
            raise RequestError(
                f"{source}: this ensemble reads rows of {shape[0]} features; give .npy or .npz"
            )


def count_samples(sources: Iterable[str]) -> int | None:
    """Return how many samples there are to read, or None where standard input is among them."""
    total = 0
    for source in sources:
        if source == STANDARD_INPUT:
            return None
        path = Path(source)
        if path.is_dir():
            total += sum(1 for _ in images_below(path))
        elif path.suffix in (".npy", ".npz"):
            array = _array(path)
            total += 0 if isinstance(array, Failure) else len(array)
        else:
            total += 1
    return total


def read_batches(
    sources: Iterable[str], shape: tuple[int, ...], size: int, stdin: BinaryIO | None = None
) -> Iterator[Batch]:
    """Yield what the sources hold, at most `size` samples at a time, in order.

    Parameters
    ----------
    sources
        Image files, folders (images at any depth), ``.npy`` and ``.npz`` (its ``X``), and
        ``-`` for standard input: an ``.npy`` stream, or one path per line.
    shape
        The ensemble's input: (C, H, W) or (F,).
    size
        Samples per batch.
    stdin
        What ``-`` reads.
    """
    waiting: list[Path] = []
    for entry in _entries(sources, stdin):
        if isinstance(entry, Path):
            waiting.append(entry)
            if len(waiting) == size:
                yield _decoded(waiting, shape)
                waiting = []
            continue
        if waiting:
            yield _decoded(waiting, shape)
            waiting = []
        yield from _array_batches(entry, shape, size)
    if waiting:
        yield _decoded(waiting, shape)


def images_below(folder: Path) -> Iterator[Path]:
    """Yield the image files below a folder, a directory at a time, each sorted by name."""
    from pruning.samples.images import SUFFIXES, is_hidden

    for place, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not is_hidden(name))
        for name in sorted(files):
            if Path(name).suffix.lower() in SUFFIXES and not is_hidden(name):
                yield Path(place, name)


@dataclass(frozen=True, eq=False)
class _Chunks:
    """An array that is read in slices, or what stopped it."""

    name: str
    slices: Iterator[NDArray[Any]]


def _entries(sources: Iterable[str], stdin: BinaryIO | None) -> Iterator[Path | _Chunks | Failure]:
    for source in sources:
        path = Path(source)
        if source == STANDARD_INPUT:
            yield from _standard_input(stdin)
        elif path.is_dir():
            images = images_below(path)
            first = next(images, None)
            yield Failure(source, "no images in this folder") if first is None else first
            yield from images
        elif path.suffix in (".npy", ".npz"):
            array = _array(path)
            yield array if isinstance(array, Failure) else _Chunks(source, iter([array]))
        else:
            yield path


def _standard_input(stdin: BinaryIO | None) -> Iterator[Path | _Chunks | Failure]:
    if stdin is None:
        raise RequestError("- reads standard input, and there is none")
    start = stdin.read(len(_NPY))
    if start == _NPY:
        yield _Chunks("-", _npy_stream(stdin))
        return
    line = start + stdin.readline(_LONGEST_LINE)
    while line:
        text = line.decode("utf-8", "replace").strip()
        if "\0" in text or "\ufffd" in text or len(line) >= _LONGEST_LINE:
            yield Failure("-", "neither an .npy stream nor one path per line")
            return
        if text:
            yield Path(text)
        line = stdin.readline(_LONGEST_LINE)


def _npy_stream(stream: BinaryIO) -> Iterator[NDArray[Any]]:
    """Yield slices of an array whose first bytes were read, about a megabyte each."""
    version = tuple(stream.read(2))
    if version not in ((1, 0), (2, 0)):
        raise RequestError(f"- is .npy of version {version}; expected 1.0 or 2.0")
    read = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
    shape, fortran, dtype = read(stream)
    if fortran or dtype.hasobject or not shape:
        raise RequestError(f"- is .npy of {dtype} in Fortran order or of objects; expected C order")
    row = max(dtype.itemsize * math.prod(shape[1:]), 1)
    left = shape[0]
    while left > 0:
        count = min(left, max(_SLICE // row, 1))
        data = stream.read(count * row)
        if len(data) < count * row:
            raise RequestError(f"- ended {left} rows too early")
        yield np.frombuffer(data, dtype).reshape(count, *shape[1:])
        left -= count


def _array(path: Path) -> NDArray[Any] | Failure:
    try:
        if path.suffix == ".npy":
            array = np.load(path, mmap_mode="r", allow_pickle=False)
        else:
            with np.load(path, allow_pickle=False) as archive:
                array = archive["X"]
    except (OSError, ValueError, KeyError, EOFError) as error:
        return Failure(str(path), f"cannot be read as an array: {str(error).splitlines()[0]}")
    except Exception as error:  # zipfile and zlib have errors of their own
        return Failure(str(path), f"cannot be read as an array: {type(error).__name__}")
    if array.ndim == 0:
        return Failure(str(path), "holds a single number; expected (N, …)")
    return cast(NDArray[Any], array)


def _array_batches(entry: _Chunks | Failure, shape: tuple[int, ...], size: int) -> Iterator[Batch]:
    nothing = np.empty((0, *shape), np.uint8)
    if isinstance(entry, Failure):
        yield Batch((), nothing, (entry,))
        return
    row = 0
    try:
        for chunk in entry.slices:
            if not row:
                check_several(chunk.shape, shape)
            for start in range(0, len(chunk), size):
                samples = as_samples(np.asarray(chunk[start : start + size]), shape)
                names = tuple(f"{entry.name}[{row + i}]" for i in range(len(samples)))
                row += len(samples)
                yield Batch(names, samples)
    except (RequestError, ValueError) as error:
        where = f"{entry.name}[{row}:]" if row else entry.name
        yield Batch((), nothing, (Failure(where, str(error).splitlines()[0]),))


def _decoded(paths: list[Path], shape: tuple[int, ...]) -> Batch:
    from pruning.samples.images import ImageHeader, decode_images, read_headers

    if len(shape) != 3:
        reason = f"is no row of {shape[0]} features"
        rows = np.empty((0, *shape), np.float32)
        return Batch((), rows, tuple(Failure(str(path), reason) for path in paths))
    known = (h for h in read_headers(paths[:_HEADERS_READ]) if isinstance(h, ImageHeader))
    pixels = max((h.height * h.width for h in known), default=0)
    images = np.empty((len(paths), *shape), np.uint8)
    failed = decode_images(paths, images, source_pixels=pixels)
    good = [i for i in range(len(paths)) if i not in failed]
    return Batch(
        tuple(str(paths[i]) for i in good),
        images[good] if failed else images,
        tuple(Failure(str(paths[i]), reason) for i, reason in failed.items()),
    )
