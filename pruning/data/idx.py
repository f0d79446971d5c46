"""MNIST's file format (idx, plain or gzipped) and the folders torchvision keeps it in.

Torchvision knows the addresses and checksums, and they are taken from it. Its reader is not:
it reads no gzipped file, as Debian and many mirrors keep them, and meets a damaged one with a
bare ``assert``, which names neither the file nor the way out and is gone under ``python -O``.
"""

from __future__ import annotations

import gzip
import math
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pruning.core.errors import RequestError
from pruning.core.torchvision_compat import import_torchvision
from pruning.data.download import Archive, default_data_dir, download

FILES = (
    "train-images-idx3-ubyte", "t10k-images-idx3-ubyte",
    "train-labels-idx1-ubyte", "t10k-labels-idx1-ubyte",
)  # fmt: skip
_UBYTE = 0x08


@dataclass(frozen=True)
class IdxData:
    """Both parts, one after the other.

    Attributes
    ----------
    images
        (N, 1, H, W) uint8.
    labels
        (N,) int64, as stored: 0..9.
    test_from
        First image of the test part.
    """

    images: NDArray[np.uint8]
    labels: NDArray[np.int64]
    test_from: int


class _Part(NamedTuple):
    images: NDArray[np.uint8]
    labels: NDArray[np.uint8]


def read_idx_data_set(
    name: str,
    torchvision_class: Literal["MNIST", "FashionMNIST"],
    data_dir: Path | None,
    installed: Path | None = None,
) -> IdxData:
    """Find, or download, and read the four files of an MNIST-like data set.

    Parameters
    ----------
    name
        What the data set is called in an error.
    torchvision_class
        The torchvision data set that knows the addresses and checksums; also the name of
        its folder.
    data_dir
        The folder is ``<data_dir>/<torchvision_class>/raw``.
    installed
        Where a system package may have put the files; used only without a `data_dir`.

    Raises
    ------
    RequestError
        For a file that is missing and cannot be downloaded, or is not what it should be.
    """
    folder = default_data_dir(data_dir) / torchvision_class / "raw"
    if data_dir is None and installed is not None and not _missing(installed):
        folder = installed
    if missing := _missing(folder):
        download(name, _archives(torchvision_class), folder, missing)
    train = _read_part(folder, "train")
    test = _read_part(folder, "t10k")
    if train.images.shape[1:] != test.images.shape[1:]:
        sizes = f"{train.images.shape[1:]} and {test.images.shape[1:]}"
        raise RequestError(f"{name}: {folder} holds images of two sizes, {sizes}")
    return IdxData(
        np.concatenate([train.images, test.images])[:, None],
        np.concatenate([train.labels, test.labels]).astype(np.int64),
        len(train.images),
    )


def read_idx(path: Path, dimensions: int) -> NDArray[np.uint8]:
    """Return the array of an idx file of bytes, gzipped where the name ends in ``.gz``.

    The header is two zero bytes, the type (8: unsigned byte), the number of dimensions and
    each dimension as a big-endian 32-bit integer.

    Raises
    ------
    RequestError
        When the file is not one of bytes with so many dimensions, or is cut short.
    """
    try:
        content = path.read_bytes()
        if path.suffix == ".gz":
            content = gzip.decompress(content)
    except (OSError, EOFError, zlib.error) as error:
        raise RequestError(f"{path} cannot be read ({error}); fetch it again") from error
    start = 4 + 4 * dimensions
    if len(content) < start or content[:4] != bytes((0, 0, _UBYTE, dimensions)):
        raise RequestError(f"{path} is not an idx file of bytes with {dimensions} dimensions")
    shape = tuple(int(n) for n in np.frombuffer(content, ">u4", dimensions, offset=4))
    if len(content) != start + math.prod(shape):
        raise RequestError(
            f"{path} has {len(content) - start} bytes of data, its header says "
            f"{math.prod(shape)}; delete it and fetch it again"
        )
    return np.frombuffer(content, np.uint8, offset=start).reshape(shape)


def _read_part(folder: Path, prefix: Literal["train", "t10k"]) -> _Part:
    image_file = _find(folder, f"{prefix}-images-idx3-ubyte")
    images = read_idx(image_file, 3)
    labels = read_idx(_find(folder, f"{prefix}-labels-idx1-ubyte"), 1)
    if len(images) != len(labels):
        raise RequestError(f"{image_file} has {len(images)} images for {len(labels)} labels")
    if labels.max(initial=0) > 9:
        raise RequestError(f"{image_file} has a label {labels.max()}; allowed 0 to 9")
    return _Part(images, labels)


def _find(folder: Path, file: str) -> Path:
    plain = folder / file
    return plain if plain.is_file() else folder / f"{file}.gz"


def _missing(folder: Path) -> tuple[str, ...]:
    return tuple(file for file in FILES if not _find(folder, file).is_file())


def _archives(torchvision_class: str) -> tuple[Archive, ...]:
    published = getattr(import_torchvision().datasets, torchvision_class)
    return tuple(
        Archive(tuple(mirror + file for mirror in published.mirrors), md5)
        for file, md5 in published.resources
    )
