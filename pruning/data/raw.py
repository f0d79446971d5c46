"""What a source hands over: labelled samples, in memory or in files, not yet split."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.uint8] | NDArray[np.float32]
Samples = Array | tuple[Path, ...]
Classes = NDArray[np.int64] | NDArray[np.str_]


class Encoded(NamedTuple):
    """Labels as indices (N,) int64 into sorted classes."""

    labels: NDArray[np.int64]
    classes: Classes


@dataclass(frozen=True, eq=False)
class RawData:
    """A data set before it is split.

    Attributes
    ----------
    samples
        (N, C, H, W) uint8, (N, F) float32, or the N image files.
    labels
        (N,) int64, indices into `classes`.
    classes
        (C,) int64 or str, sorted.
    test_from
        First sample of the published test part, which is the end of `samples`; None
        where there is none.
    """

    samples: Samples
    labels: NDArray[np.int64]
    classes: Classes
    test_from: int | None = None

    def __post_init__(self) -> None:
        if len(self.samples) != len(self.labels):
            raise ValueError(f"{len(self.samples)} samples but {len(self.labels)} labels")
        if self.test_from is not None and not 0 < self.test_from < len(self.labels):
            raise ValueError(f"test_from {self.test_from}: allowed 1 to {len(self.labels) - 1}")


def encode(values: Iterable[str] | NDArray[np.int64] | NDArray[np.str_]) -> Encoded:
    """Return `values` as indices into their sorted, distinct values.

    >>> encode(["plane", "car", "plane"])
    Encoded(labels=array([1, 0, 1]), classes=array(['car', 'plane'], dtype='<U5'))
    """
    given = values if isinstance(values, np.ndarray) else np.array(list(values), dtype=np.str_)
    classes, labels = np.unique(given, return_inverse=True)
    return Encoded(labels.astype(np.int64), classes)
