"""Reading ``.npz`` files: plain arrays only, refused in a line where they are none."""

from __future__ import annotations

import itertools
import zipfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pruning.core.errors import RequestError

SMALL, MOST_TIMES = 2**26, 100
"""Bytes that any file may unpack to; times its own bytes that a larger one may."""

_NAMES = (("x_{}", "y_{}"), ("X_{}", "y_{}"), ("{}_images", "{}_labels"), ("{}_data", "{}_labels"))
"""What Keras, scikit-learn's users, MedMNIST and others call samples and labels of a part."""

_PARTS = {"train": ("train",), "val": ("val", "valid", "validation"), "test": ("test",)}


def read_archive(
    path: Path, wanted: Callable[[list[str]], Iterable[str]]
) -> dict[str, NDArray[Any]]:
    """Return the arrays of an ``.npz`` that `wanted` picks from their names, where they are there.

    Raises
    ------
    RequestError
        If the file is no such archive, damaged, encrypted, larger than memory, or holds objects.
    """
    if path.exists() and not path.is_file():
        raise RequestError(f"{path} is no ordinary file; expected an .npz")
    try:
        with path.open("rb") as stream:
            file = np.load(stream, allow_pickle=False)
            if not isinstance(file, np.lib.npyio.NpzFile):
                raise RequestError(f"{path} is a single array; allowed an .npz of several")
            names = [name for name in wanted(file.files) if name in file.files]
            if file.zip is not None:
                _check_unpacked(path, file.zip, names)
            return {name: file[name] for name in names}
    except RequestError:
        raise
    except FileNotFoundError as error:
        raise RequestError(f"no file {path}; expected an .npz") from error
    except Exception as error:  # the readers of zip and npy raise whatever a file makes them
        raise RequestError(
            f"{path} cannot be read as an .npz of plain arrays: {_reason(error)}"
        ) from error


def _check_unpacked(path: Path, archive: zipfile.ZipFile, names: Iterable[str]) -> None:
    """Refuse, before anything is unpacked, a small file that says it holds very much."""
    known = set(archive.namelist())
    entries = (name if name in known else f"{name}.npy" for name in names)
    unpacked = sum(archive.getinfo(entry).file_size for entry in entries)
    most = max(SMALL, MOST_TIMES * path.stat().st_size)
    if unpacked > most:
        raise RequestError(
            f"{path} unpacks to {unpacked} bytes, more than {MOST_TIMES} times its own; if that is "
            "meant, save it with numpy.savez, which does not compress"
        )


def _reason(error: Exception) -> str:
    text = (str(error).splitlines() or [""])[0]
    if "allow_pickle" in text:
        return "it holds Python objects; save plain numbers and text"
    if "encrypted" in text:
        return "it is encrypted; save it without a password"
    if isinstance(error, NotImplementedError):
        return f"{text}; save it with numpy.savez or savez_compressed"
    if isinstance(error, MemoryError):
        return f"it does not fit in memory ({text or 'out of memory'})"
    return text or type(error).__name__


def samples_names(names: Iterable[str]) -> list[str]:
    """Return the arrays of a file that hold samples, in the order of their parts.

    >>> samples_names(["y_test", "x_test", "x_train", "y_train"]), samples_names(["y", "X"])
    (['x_train', 'x_test'], ['X'])
    """
    known = set(names)
    return ["X"] if "X" in known else [x for x, _ in pairs_of(known).values()]


def pairs_of(names: Iterable[str]) -> dict[str, tuple[str, str]]:
    """Return part → names of its samples and labels, for the parts that have both."""
    known = set(names)
    found: dict[str, tuple[str, str]] = {}
    for part, spellings in _PARTS.items():
        for word, (x, y) in itertools.product(spellings, _NAMES):
            if {x.format(word), y.format(word)} <= known:
                found.setdefault(part, (x.format(word), y.format(word)))
    return found
