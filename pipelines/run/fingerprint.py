"""What a run was made from and with: the data's checksum and the versions that compute."""

from __future__ import annotations

import hashlib
import platform
from importlib.metadata import version
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pruning.data.splits import SPLIT_NAMES, Split, Splits

PACKAGES = (
    "dropnet-ensemble", "torch", "torchvision", "numpy", "scikit-learn",
)  # fmt: skip


def data_fingerprint(splits: Splits) -> str:
    """Return the SHA-256 of all samples, labels and class names, in order."""
    digest = hashlib.sha256(repr(splits.classes.tolist()).encode())
    for name in SPLIT_NAMES:
        _add(digest, name, getattr(splits, name))
    return digest.hexdigest()


def part_fingerprint(classes: NDArray[Any], name: str, part: Split) -> str:
    """Return the SHA-256 of one part's samples and labels, in order, and the class names."""
    digest = hashlib.sha256(repr(classes.tolist()).encode())
    _add(digest, name, part)
    return digest.hexdigest()


def _add(digest: hashlib._Hash, name: str, part: Split) -> None:
    digest.update(repr((name, part.images.shape, str(part.images.dtype))).encode())
    for start in range(0, len(part), 4096):
        digest.update(np.ascontiguousarray(part.images[start : start + 4096]).data)
    digest.update(np.ascontiguousarray(part.labels).data)


def versions() -> dict[str, str]:
    """Return the versions of Python and of every package whose numbers a run depends on."""
    return {"python": platform.python_version()} | {name: version(name) for name in PACKAGES}
