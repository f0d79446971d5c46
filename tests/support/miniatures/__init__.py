"""Miniatures of the data sets, in their own formats: one file a set, found by its name.

``miniatures/<name>.py`` (``-`` as ``_``) has ``write(root)``, which writes a miniature below
`root` and returns the ``data_dir`` to give. A set that needs no files has none.
"""

from __future__ import annotations

import gzip
from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pruning.data.sources import SOURCES

Write = Callable[[Path], Path]
Bytes = NDArray[np.uint8]

PER_CLASS = 20


def find_miniatures() -> dict[str, Write]:
    """Return data set → what writes its miniature."""
    modules = {name: f"{__name__}.{name.replace('-', '_')}" for name in SOURCES}
    return {name: import_module(m).write for name, m in modules.items() if find_spec(m)}


def noise(*shape: int) -> Bytes:
    """Return bytes that look random and are the same again for the same shape."""
    return np.random.default_rng(sum(shape)).integers(0, 256, shape, dtype=np.uint8)


def cycle(count: int, classes: int) -> Bytes:
    """Return so many labels: 0, 1, … and again."""
    return np.resize(np.arange(classes, dtype=np.uint8), count)


def write_idx(path: Path, array: Bytes) -> None:
    """Write an array as an idx file, compressed where its name ends in ``.gz``."""
    header = bytes((0, 0, 8, array.ndim)) + np.array(array.shape, ">u4").tobytes()
    content = header + array.tobytes()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)


def idx_folder(folder: Path) -> None:
    """Write the four files of MNIST and its like."""
    for prefix, count in (("train", 10 * PER_CLASS), ("t10k", 30)):
        write_idx(folder / f"{prefix}-images-idx3-ubyte", noise(count, 6, 6))
        write_idx(folder / f"{prefix}-labels-idx1-ubyte", cycle(count, 10))
