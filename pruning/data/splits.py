"""The values a data set becomes: stratified, disjoint parts with their classes and scaling."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from pruning.samples.scaling import Scaling

__all__ = ["SPLIT_NAMES", "Scaling", "Split", "Splits"]

SPLIT_NAMES = ("train", "val", "select", "test")


@dataclass(frozen=True)
class Split:
    """Images (or feature rows) and their labels.

    Attributes
    ----------
    images
        (N, C, H, W) uint8 in 0..255, or (N, F) float32 feature rows. May be memory-mapped.
    labels
        (N,) int64, indices into `Splits.classes`.
    """

    images: NDArray[np.uint8] | NDArray[np.float32]
    labels: NDArray[np.int64]

    def __post_init__(self) -> None:
        if len(self.images) != len(self.labels):
            raise ValueError(f"{len(self.images)} images but {len(self.labels)} labels")
        wanted = {2: np.dtype(np.float32), 4: np.dtype(np.uint8)}.get(self.images.ndim)
        if self.images.dtype != wanted:
            raise ValueError(
                f"images of shape {self.images.shape} and dtype {self.images.dtype}; "
                "expected (N, C, H, W) uint8 or (N, F) float32"
            )
        if self.labels.dtype != np.int64 or self.labels.ndim != 1:
            raise ValueError(f"labels are {self.labels.dtype}, expected (N,) int64")

    def __len__(self) -> int:
        return len(self.labels)


@dataclass(frozen=True)
class Splits:
    """One data set, cut into parts that never overlap.

    Attributes
    ----------
    train
        Trains the weights and scores the units.
    val
        Stops training early and steers κ.
    select
        Seen by selection alone.
    test
        Read once, by the first comparison.
    classes
        (C,) int64 for digits and arrays, str for folders; sorted, at least two.
    input_shape
        (C, H, W) or (F,), one sample.
    scaling
        What the network's input is made with.
    """

    train: Split
    val: Split
    select: Split
    test: Split
    classes: NDArray[np.int64] | NDArray[np.str_]
    input_shape: tuple[int, ...]
    scaling: Scaling = field(default_factory=Scaling)

    def __post_init__(self) -> None:
        if len(self.classes) < 2:
            raise ValueError(f"{len(self.classes)} class; classification needs at least 2")
        for name in SPLIT_NAMES:
            part: Split = getattr(self, name)
            if part.images.shape[1:] != self.input_shape:
                raise ValueError(
                    f"{name} has samples of shape {part.images.shape[1:]}, "
                    f"expected {self.input_shape}"
                )

    @property
    def sizes(self) -> dict[str, int]:
        """Number of samples in each part."""
        return {name: len(getattr(self, name)) for name in SPLIT_NAMES}
