"""The values a data set becomes: stratified, disjoint parts with their classes and scaling."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pruning.core.errors import RequestError
from pruning.core.seeds import numpy_generator
from pruning.data.arrays import Labelled, joined_arrays, labelled_arrays
from pruning.data.grouped import partition_by_group
from pruning.data.raw import Array, RawData
from pruning.data.stratify import Partition, partition
from pruning.samples.scaling import Scaling

SPLIT_NAMES = ("train", "val", "select", "test")

FEWEST_PER_CLASS = 10
"""With fewer samples of a class, what is held out of it says next to nothing."""


class FewSamplesWarning(UserWarning):
    """Too few samples of a class to hold any out: all parts are the same samples."""


COLOURS = 3
"""Channels of coloured images."""
MOST_IMAGES, IMAGES_AT_ONCE = 4096, 256
"""On how many images, evenly spread over all, colours are measured; how many are read at a time."""


@dataclass(frozen=True, eq=False)
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


@dataclass(frozen=True, eq=False)
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

    @classmethod
    def from_arrays(
        cls,
        X: ArrayLike,
        y: ArrayLike,
        *,
        test: Labelled | None = None,
        groups: ArrayLike | None = None,
        seed: int = 0,
        share_few: bool = False,
    ) -> Splits:
        """Cut samples into the four parts: stratified, disjoint, the same for the same seed.

        Parameters
        ----------
        X
            N samples. Images (N, H, W), (N, H, W, C) or (N, C, H, W), with at most 4 channels
            and sides longer than 4: uint8 or other integers in 0..255, or floats in [0, 1],
            which are stored in 8 bits. Or feature rows (N, F) of real numbers, which networks
            see scaled to mean 0 and standard deviation 1 on ``train``.
        y
            (N,) integers or strings, at least two classes.
        test
            A test part of your own, (X, y). Without it the parts are 60/10/15/15 % of the
            samples, with it 80/10/10 % and your test part.
        groups
            (N,) integers or strings, such as the patient of each sample: samples of one group
            never stand in two parts, and the shares are met only as nearly as that allows.
        seed
            Decides which sample falls into which part.
        share_few
            Where a class has fewer than 10 samples, hold none out and warn: each part but a test
            part of your own is then all of the samples.

        Raises
        ------
        RequestError
            For arrays that cannot be used, or a class that would be absent from a part.

        >>> rng = np.random.default_rng(0)
        >>> splits = Splits.from_arrays(rng.random((100, 8, 8)), rng.choice(["cat", "dog"], 100))
        >>> splits.sizes, splits.input_shape, splits.classes.tolist()
        ({'train': 60, 'val': 10, 'select': 15, 'test': 15}, (1, 8, 8), ['cat', 'dog'])
        """
        raw = (
            labelled_arrays(X, y)
            if test is None
            else joined_arrays({"train": (X, y), "test": test})
        )
        if len(raw.classes) < 2:
            raise RequestError(
                f"y has one class, {raw.classes.item(0)!r}; classification needs at least 2"
            )
        every, own = np.split(np.arange(len(raw.labels)), [raw.test_from or len(raw.labels)])
        if share_few and _are_few(np.bincount(raw.labels[every], minlength=len(raw.classes))):
            return cls.cut(raw, Partition(every, every, every, every if test is None else own))
        rng = numpy_generator(seed, "split")
        parts = partition(raw, rng) if groups is None else partition_by_group(raw, groups, rng)
        return cls.cut(raw, parts)

    @classmethod
    def from_parts(
        cls, *, train: Labelled, val: Labelled, select: Labelled, test: Labelled
    ) -> Splits:
        """Take the parts as they are given, each (X, y) as in `from_arrays`.

        Raises
        ------
        RequestError
            For arrays that cannot be used, samples of different shapes, or a class that is
            absent from a part.

        >>> part = np.eye(2), ["left", "right"]
        >>> Splits.from_parts(train=part, val=part, select=part, test=part).sizes["select"]
        2
        """
        given = {"train": train, "val": val, "select": select, "test": test}
        raw = joined_arrays(given)
        ends = np.cumsum([len(np.asarray(y)) for _, y in given.values()])
        parts = np.split(np.arange(len(raw.labels)), ends[:-1])
        for name, rows in zip(given, parts, strict=True):
            absent = np.setdiff1d(np.arange(len(raw.classes)), raw.labels[rows])
            if len(absent):
                raise RequestError(
                    f"class {raw.classes.item(absent[0])!r} has 0 samples in {name}; each class "
                    "needs at least 1 in each part"
                )
        return cls.cut(raw, Partition(*parts))

    @classmethod
    def cut(cls, raw: RawData, parts: Partition) -> Splits:
        """Return the parts of a data set that is held in memory."""
        samples = raw.samples
        if isinstance(samples, tuple):
            raise ValueError("image files are decoded first (pruning.data.image_files)")
        train, val, select, test = (
            Split(samples[rows], raw.labels[rows])
            for rows in (parts.train, parts.val, parts.select, parts.test)
        )
        return cls(
            train, val, select, test, raw.classes, samples.shape[1:], usual_scaling(train.images)
        )

    @property
    def sizes(self) -> dict[str, int]:
        """Number of samples in each part."""
        return {name: len(getattr(self, name)) for name in SPLIT_NAMES}


def _are_few(counts: NDArray[np.intp]) -> bool:
    """Return whether a class has some samples, but too few to hold any out; if so, warn."""
    fewest = int(counts.min())
    few = 0 < fewest < FEWEST_PER_CLASS
    if few:
        warnings.warn(
            f"a class has {fewest} samples; below {FEWEST_PER_CLASS} none are held out: training, "
            "choice and comparison see the same samples, and their accuracies say little",
            FewSamplesWarning,
            stacklevel=3,
        )
    return few


def usual_scaling(samples: Array) -> Scaling:
    """Return what makes network input of training samples like these.

    Coloured images and feature rows come to mean 0 and standard deviation 1, by channel and by
    feature; grey images to 0..1.
    """
    if samples.ndim == 2:
        return standardising(samples)
    return standardising_colours(samples) if samples.shape[1] == COLOURS else Scaling()


def standardising_colours(images: Array) -> Scaling:
    """Return the scaling of (N, C, H, W) to each channel's mean 0 and standard deviation 1.

    A few thousand say it well enough, read a part at a time: images may lie in a file that
    memory does not hold.
    """
    few = np.linspace(0, len(images) - 1, min(len(images), MOST_IMAGES)).astype(np.int64)
    totals, squares = np.zeros(images.shape[1]), np.zeros(images.shape[1])
    for start in range(0, len(few), IMAGES_AT_ONCE):
        part = images[few[start : start + IMAGES_AT_ONCE]].astype(np.float64)
        totals += part.sum((0, 2, 3))
        squares += np.square(part).sum((0, 2, 3))
    count = len(few) * images[0, 0].size
    mean = totals / count
    deviation = np.sqrt(np.maximum(squares / count - mean**2, 0))
    return Scaling(tuple(mean.tolist()), tuple(np.where(deviation > 1e-6, deviation, 1.0).tolist()))


def standardising(rows: Array) -> Scaling:
    """Return the scaling to mean 0 and standard deviation 1; a constant feature stays 0."""
    offset = rows.mean(axis=0, dtype=np.float64)
    scale = rows.std(axis=0, dtype=np.float64)
    varies = (np.ptp(rows, axis=0) > 0) & (scale > np.finfo(np.float32).tiny)
    return Scaling(tuple(offset.tolist()), tuple(np.where(varies, scale, 1.0).tolist()))
