"""What the command line names → batches of samples: files, folders, arrays, standard input.

One batch is in memory at a time. What cannot be read becomes a `Failure`; the rest goes on.
"""

from __future__ import annotations

import math
import os
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, cast

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from ensemble.reading.arrays import Samples, as_samples
from ensemble.reading.inputs import check_pictures, check_several, stored_pixels
from pruning.core.array_values import ArrayValue
from pruning.core.errors import RequestError
from pruning.samples.archive import read_archive, samples_names
from pruning.samples.finding import walk_images
from pruning.samples.reading import AS_TOLD, Reading

ARRAYS = (".npy", ".npz")
STANDARD_INPUT = "-"
_FILES = (b"\x89PNG", b"\xff\xd8\xff", b"PK\3\4")
"""How PNG, JPEG and ``.npz`` begin, and no path does; other files show by their zero bytes."""
_NPY = b"\x93NUMPY"
_LONGEST_LINE = 2**16
"""Bytes of a path on standard input."""

_SLICE = 2**20
"""Bytes of an array that are read from standard input at once."""

_HEADERS_READ = 8
"""Images whose size tells how many pixels to expect of a folder's."""


@dataclass(frozen=True)
class Failure:
    """A source that gave no samples, and why.

    Attributes
    ----------
    source, reason
        What and why.
    expected
        Whether nobody would miss it: files of a folder whose names say that they are no images.
    """

    source: str
    reason: str
    expected: bool = False


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


def check_sources(
    sources: Iterable[str], shape: tuple[int, ...], reading: Reading = AS_TOLD
) -> None:
    """Refuse, before anything is predicted, what does not exist or cannot hold samples.

    Raises
    ------
    RequestError
        For the first such source.
    """
    for source in sources:
        path = Path(source)
        if source != STANDARD_INPUT and not path.exists() and not path.is_symlink():
            raise RequestError(f"{source} does not exist; give images, folders, .npy, .npz or -")
        if source != STANDARD_INPUT and path.suffix.lower() not in ARRAYS:
            try:
                check_pictures(shape, reading)
            except RequestError as error:
                raise RequestError(f"{source}: {error}; give .npy or .npz") from None


def count_samples(sources: Iterable[str]) -> int | None:
    """Return how many samples there are to read, or None where standard input is among them."""
    total = 0
    for source in sources:
        if source == STANDARD_INPUT:
            return None
        path = Path(source)
        if path.is_dir():
            total += sum(1 for entry in walk_images(path) if isinstance(entry, Path))
        elif path.suffix.lower() in ARRAYS:
            total += sum(len(a.whole) for a in _arrays(path) if isinstance(a, _Chunks))
        else:
            total += 1
    return total


def read_batches(
    sources: Iterable[str],
    shape: tuple[int, ...],
    size: int,
    stdin: BinaryIO | None = None,
    reading: Reading = AS_TOLD,
) -> Iterator[Batch]:
    """Yield what the sources hold, at most `size` samples at a time, in order.

    Parameters
    ----------
    sources
        Image files, folders (images at any depth, through links), ``.npy``, ``.npz`` (its ``X``,
        or the samples of its parts), and ``-`` for standard input: an ``.npy`` stream, or one
        path per line.
    shape
        The ensemble's input: (C, H, W), (C, T) or (F,).
    size
        Samples per batch.
    stdin
        What ``-`` reads.
    reading
        How the training data were read.
    """
    waiting: list[Path] = []
    for entry in _entries(sources, stdin):
        if isinstance(entry, Path):
            waiting.append(entry)
            if len(waiting) == size:
                yield _decoded(waiting, shape, reading)
                waiting = []
            continue
        if waiting:
            yield _decoded(waiting, shape, reading)
            waiting = []
        yield from _array_batches(entry, shape, size, reading)
    if waiting:
        yield _decoded(waiting, shape, reading)


@dataclass(frozen=True, eq=False)
class _Chunks:
    """An array that is read in slices, or what stopped it."""

    name: str
    slices: Iterable[NDArray[Any]]

    @property
    def whole(self) -> NDArray[Any]:
        """The array, where it is in one slice."""
        (array,) = self.slices
        return array


def _entries(sources: Iterable[str], stdin: BinaryIO | None) -> Iterator[Path | _Chunks | Failure]:
    for source in sources:
        path = Path(source)
        if source == STANDARD_INPUT:
            yield from _standard_input(stdin)
        elif path.is_dir():
            yield from _of_folder(path)
        elif path.suffix.lower() in ARRAYS:
            yield from _arrays(path)
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
    if line.startswith(_FILES):
        yield Failure("-", "a file's bytes, not one path per line; give the file's path")
        return
    while line:
        text = os.fsdecode(line).strip()
        if "\0" in text or len(line) >= _LONGEST_LINE:
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


def _of_folder(folder: Path) -> Iterator[Path | Failure]:
    """Yield the images below a folder, and what else is there: of files alike one speaks."""
    images, others = 0, Counter[str]()
    first: dict[str, Path] = {}
    for entry in walk_images(folder):
        if isinstance(entry, Path):
            images += 1
            yield entry
        elif not entry.expected:
            yield Failure(str(entry.path), entry.reason)
        else:
            others[entry.reason] += 1
            first.setdefault(entry.reason, entry.path)
    for reason, count in others.items():
        more = f" and {count - 1} more" if count > 1 else ""
        yield Failure(f"{first[reason]}{more}", reason, expected=True)
    if not images:
        yield Failure(str(folder), "no images in this folder")


def _arrays(path: Path) -> Iterator[_Chunks | Failure]:
    """Yield the samples of an ``.npy``, or of an ``.npz``: ``X``, or those of its parts."""
    if path.exists() and not path.is_file():
        yield Failure(str(path), "is no ordinary file")
        return
    try:
        if path.suffix.lower() == ".npy":
            arrays = {"": cast(NDArray[Any], npy.open_memmap(path, mode="r"))}
        else:
            arrays = read_archive(path, samples_names)
    except RequestError as error:
        yield Failure(str(path), str(error).removeprefix(f"{path} "))
        return
    except Exception as error:  # NumPy raises whatever a damaged file makes it
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        yield Failure(str(path), f"cannot be read as an array: {reason}")
        return
    if not arrays:
        yield Failure(str(path), "holds no samples: no X, x_train, train_images, …")
    for name, array in arrays.items():
        if array.ndim == 0:
            yield Failure(str(path), "holds a single number; expected (N, …)")
        else:
            yield _Chunks(str(path) if name in ("", "X") else f"{path}:{name}", [array])


def _array_batches(
    entry: _Chunks | Failure, shape: tuple[int, ...], size: int, reading: Reading
) -> Iterator[Batch]:
    nothing = np.empty((0, *shape), reading.dtype(shape))
    if isinstance(entry, Failure):
        yield Batch((), nothing, (entry,))
        return
    row = 0
    try:
        for chunk in entry.slices:
            if not row:
                check_several(chunk.shape, shape)
            for start in range(0, len(chunk), size):
                samples = as_samples(np.asarray(chunk[start : start + size]), shape, reading)
                names = tuple(f"{entry.name}[{row + i}]" for i in range(len(samples)))
                row += len(samples)
                yield Batch(names, samples)
    except (RequestError, ValueError) as error:
        where = f"{entry.name}[{row}:]" if row else entry.name
        yield Batch((), nothing, (Failure(where, str(error).splitlines()[0]),))


def _decoded(paths: list[Path], shape: tuple[int, ...], reading: Reading) -> Batch:
    from pruning.samples.images import ImageHeader, decode_images, read_headers

    try:
        check_pictures(shape, reading)
    except RequestError as error:
        nothing = np.empty((0, *shape), reading.dtype(shape))
        return Batch((), nothing, tuple(Failure(str(path), str(error)) for path in paths))
    known = (h for h in read_headers(paths[:_HEADERS_READ]) if isinstance(h, ImageHeader))
    pixels = max((h.height * h.width for h in known), default=0)
    images = np.zeros((len(paths), *shape), reading.dtype(shape))
    failed = decode_images(paths, images, source_pixels=pixels, fit=reading.fit)
    good = [i for i in range(len(paths)) if i not in failed]
    decoded = images[good] if failed else images
    return Batch(
        tuple(str(paths[i]) for i in good),
        stored_pixels(decoded, reading),
        tuple(Failure(str(paths[i]), reason) for i, reason in failed.items()),
    )
