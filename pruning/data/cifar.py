"""CIFAR's files: the binary version, or torchvision's after its checksums are verified."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pruning.core.errors import RequestError
from pruning.core.torchvision_compat import import_torchvision
from pruning.data.download import Archive, default_data_dir, download
from pruning.data.raw import RawData, encode

SHAPE = (3, 32, 32)
_PIXELS = 3 * 32 * 32


@dataclass(frozen=True)
class CifarLayout:
    """Where one CIFAR's files are, and how a record begins.

    Attributes
    ----------
    folder, train, test, names
        The binary version's folder, its files, and the file of class names.
    label_bytes
        Bytes before the pixels; the last of them is the label.
    archive
        The binary version, to download.
    torchvision_class, torchvision_folder
        torchvision's data set and its folder, holding the published Python version.
    """

    folder: str
    train: tuple[str, ...]
    test: str
    names: str
    label_bytes: int
    archive: Archive
    torchvision_class: str
    torchvision_folder: str

    @property
    def files(self) -> tuple[str, ...]:
        """Every file the binary version needs."""
        return (*self.train, self.test, self.names)


def read_cifar(name: str, layout: CifarLayout, data_dir: Path | None) -> RawData:
    """Read a CIFAR; the classes are its published names, sorted.

    The binary version is preferred, and is what is downloaded: it holds no code. The Python
    version is made of pickles; it is read only by torchvision, which first compares every
    file with its published MD5 checksum.

    Parameters
    ----------
    name
        What the data set is called in an error.
    layout
        Its files.
    data_dir
        Holds the layout's folder or torchvision's.

    Raises
    ------
    RequestError
        For files that are missing and cannot be downloaded, or are not what they should be.
    """
    root = default_data_dir(data_dir)
    missing = [
        f"{layout.folder}/{f}" for f in layout.files if not (root / layout.folder / f).is_file()
    ]
    if missing and (root / layout.torchvision_folder).is_dir():
        return _read_through_torchvision(name, layout, root)
    if missing:
        download(name, [layout.archive], root, missing)
    return _read_binary(layout, root / layout.folder)


def _read_binary(layout: CifarLayout, folder: Path) -> RawData:
    names = (folder / layout.names).read_text(encoding="utf-8").split()
    train = [_records(folder / file, layout, len(names)) for file in layout.train]
    test = _records(folder / layout.test, layout, len(names))
    records = np.concatenate([*train, test])
    images = np.ascontiguousarray(records[:, layout.label_bytes :]).reshape(-1, *SHAPE)
    labels, classes = encode(np.array(names)[records[:, layout.label_bytes - 1]])
    return RawData(images, labels, classes, len(records) - len(test))


def _records(path: Path, layout: CifarLayout, classes: int) -> NDArray[np.uint8]:
    """Return one file's (N, label bytes + 3072) uint8."""
    content = np.fromfile(path, np.uint8)
    length = layout.label_bytes + _PIXELS
    if not len(content) or len(content) % length:
        raise RequestError(
            f"{path} has {len(content)} bytes, allowed multiples of {length}; fetch it again"
        )
    records = content.reshape(-1, length)
    highest = records[:, layout.label_bytes - 1].max()
    if highest >= classes:
        raise RequestError(f"{path} has a label {highest}; allowed 0 to {classes - 1}")
    return records


def _read_through_torchvision(name: str, layout: CifarLayout, root: Path) -> RawData:
    data_set = getattr(import_torchvision().datasets, layout.torchvision_class)
    try:
        with warnings.catch_warnings():  # NumPy's, on arrays as old as these
            warnings.simplefilter("ignore")
            parts = [data_set(str(root), train=train) for train in (True, False)]
    except RuntimeError as error:
        raise RequestError(
            f"{name}: a file in {root / layout.torchvision_folder} is missing or is not the "
            f"published one (MD5); fetch it again, or put {layout.folder} beside it"
        ) from error
    images = np.concatenate([_channels_first(part.data) for part in parts])
    targets = np.concatenate([np.asarray(part.targets) for part in parts])
    labels, classes = encode(np.array(parts[0].classes)[targets])
    return RawData(images, labels, classes, len(parts[0].data))


def _channels_first(images: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.ascontiguousarray(images.transpose(0, 3, 1, 2))
