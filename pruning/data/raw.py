"""What a source hands over: labelled samples, in memory or in files, not yet split."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pruning.core.plain_text import check_writable
from pruning.samples.finding import LeftOut
from pruning.samples.reading import AS_TOLD, Reading

Array = NDArray[np.uint8] | NDArray[np.float32] | NDArray[np.float64]
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
        (N, C, H, W) uint8; floating-point (N, F), (N, C, H, W) or (N, C, T); or the N image
        files.
    labels
        (N,) int64, indices into `classes`.
    classes
        (C,) int64 or str, sorted.
    test_from
        First sample of the published test part, which is the end of `samples`; None
        where there is none.
    val_from
        First sample of a given validation part, which ends where the test part begins; None
        where there is none.
    left_out
        What was found beside the samples.
    reading
        What is known of how they were handed over; the units are settled on the training part.
    notes
        What whoever uses the data should know of it, a line each.
    """

    samples: Samples
    labels: NDArray[np.int64]
    classes: Classes
    test_from: int | None = None
    val_from: int | None = None
    left_out: tuple[LeftOut, ...] = ()
    reading: Reading = AS_TOLD
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if len(self.samples) != len(self.labels):
            raise ValueError(f"{len(self.samples)} samples but {len(self.labels)} labels")
        if self.test_from is not None and not 0 < self.test_from < len(self.labels):
            raise ValueError(f"test_from {self.test_from}: allowed 1 to {len(self.labels) - 1}")
        if self.val_from is not None and not 0 < self.val_from < self.count:
            raise ValueError(f"val_from {self.val_from}: allowed 1 to {self.count - 1}")

    @property
    def count(self) -> int:
        """How many samples there are besides a published test part."""
        return len(self.labels) if self.test_from is None else self.test_from


def encode(values: Iterable[str] | NDArray[np.int64] | NDArray[np.str_]) -> Encoded:
    """Return `values` as indices into their sorted, distinct values.

    >>> encode(["plane", "car", "plane"])
    Encoded(labels=array([1, 0, 1]), classes=array(['car', 'plane'], dtype='<U5'))
    """
    given = values if isinstance(values, np.ndarray) else np.array(list(values), dtype=np.str_)
    classes, labels = np.unique(given, return_inverse=True)
    if classes.dtype.kind == "U":
        check_writable("class", classes.tolist())
    return Encoded(labels.astype(np.int64), classes)
