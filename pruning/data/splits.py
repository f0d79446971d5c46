"""The values a data set becomes: stratified, disjoint parts with their classes and scaling."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pruning.core.errors import RequestError
from pruning.core.seeds import numpy_generator
from pruning.data.arrays import Labelled, joined_arrays, labelled_arrays
from pruning.data.equal import equal_samples
from pruning.data.grouped import partition_by_group
from pruning.data.raw import Classes, RawData
from pruning.data.storing import store
from pruning.data.stratify import Partition, partition
from pruning.samples.scaling import Scaling

SPLIT_NAMES = ("train", "val", "select", "test")

FEWEST_PER_CLASS = 10
"""With fewer samples of a class, what is held out of it says next to nothing."""


class FewSamplesWarning(UserWarning):
    """Too few samples of a class to hold any out: all parts are the same samples."""


@dataclass(frozen=True, eq=False)
class Split:
    """Images (or feature rows) and their labels.

    Attributes
    ----------
    images
        (N, C, H, W) uint8 in 0..255; float32 feature rows (N, F), images (N, C, H, W) or
        signals (N, C, T). May be memory-mapped.
    labels
        (N,) int64, indices into `Splits.classes`.
    """

    images: NDArray[np.uint8] | NDArray[np.float32]
    labels: NDArray[np.int64]

    def __post_init__(self) -> None:
        if len(self.images) != len(self.labels):
            raise ValueError(f"{len(self.images)} images but {len(self.labels)} labels")
        eight_bit = self.images.ndim == 4 and self.images.dtype == np.uint8
        if not eight_bit and (self.images.ndim not in (2, 3, 4) or self.images.dtype != np.float32):
            raise ValueError(
                f"images of shape {self.images.shape} and dtype {self.images.dtype}; "
                "expected (N, C, H, W) uint8 or (N, …) float32"
            )
        if self.labels.dtype != np.int64 or self.labels.ndim != 1:
            raise ValueError(f"labels are {self.labels.dtype}, expected (N,) int64")

    def __len__(self) -> int:
        return len(self.labels)


@dataclass(frozen=True, eq=False, repr=False)
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
        (C, H, W), (C, T) or (F,), one sample.
    scaling
        What the network's input is made with.
    notes
        What whoever uses the data should know of it, a line each.
    repeated
        The same of samples that stand in two parts, a line for each two.
    """

    train: Split
    val: Split
    select: Split
    test: Split
    classes: NDArray[np.int64] | NDArray[np.str_]
    input_shape: tuple[int, ...]
    scaling: Scaling = field(default_factory=Scaling)
    notes: tuple[str, ...] = ()
    repeated: tuple[str, ...] = ()

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

    def __repr__(self) -> str:
        """Say what there is, not each pixel of it."""
        sizes = ", ".join(f"{name} {size}" for name, size in self.sizes.items())
        return f"Splits({sizes}; {len(self.classes)} classes; samples of shape {self.input_shape})"

    @classmethod
    def from_arrays(
        cls,
        X: ArrayLike,
        y: ArrayLike,
        *,
        test: Labelled | None = None,
        groups: ArrayLike | None = None,
        axes: str = "",
        seed: int = 0,
        share_few: bool = False,
    ) -> Splits:
        """Cut samples into the four parts: stratified, disjoint, the same for the same seed.

        Parameters
        ----------
        X
            N samples. Images (N, H, W), (N, H, W, C) or (N, C, H, W), with at most 4 channels
            and sides longer than 4, or any with `axes`: uint8, other integers in 0..255, or
            floats that are these divided by 255, are stored in 8 bits. Images of other
            numbers, signals (N, C, T) with `axes` ``"NCT"``, and feature rows (N, F): networks
            see them scaled to mean 0 and standard deviation 1 on ``train``, and what predicts
            takes them in the same units.
        y
            (N,) integers or strings, at least two classes.
        test
            A test part of your own, (X, y). Without it the parts are 60/10/15/15 % of the
            samples, with it 80/10/10 % and your test part.
        groups
            (N,) integers or strings, such as the patient of each sample: samples of one group
            never stand in two parts, and the shares are met only as nearly as that allows.
        axes
            What the axes of X are: ``"NHW"``, ``"NCHW"``, ``"NHWC"``, ``"NCT"`` or ``"NTC"``, T
            being time; empty: their number and lengths tell.
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
            labelled_arrays(X, y, axes=axes)
            if test is None
            else joined_arrays({"train": (X, y), "test": test}, axes)
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
        cls, *, train: Labelled, val: Labelled, select: Labelled, test: Labelled, axes: str = ""
    ) -> Splits:
        """Take the parts as they are given, each (X, y), and `axes`, as in `from_arrays`.

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
        raw = joined_arrays(given, axes)
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
        if isinstance(raw.samples, tuple):
            raise ValueError("image files are decoded first (pruning.data.image_files)")
        done = store(raw.samples, parts.train, raw.reading)
        train, val, select, test = (
            Split(done.samples[rows], raw.labels[rows])
            for rows in (parts.train, parts.val, parts.select, parts.test)
        )
        notes = (*raw.notes, *done.notes)
        return cls.of_parts(train, val, select, test, raw.classes, done.scaling, notes)

    @classmethod
    def of_parts(
        cls,
        train: Split,
        val: Split,
        select: Split,
        test: Split,
        classes: Classes,
        scaling: Scaling,
        notes: tuple[str, ...] = (),
    ) -> Splits:
        """Return the parts together, and what is told of samples that stand in two of them."""
        parts = {"train": train, "val": val, "select": select, "test": test}
        equal = equal_samples({name: part.images for name, part in parts.items()})
        shape = train.images.shape[1:]
        return cls(train, val, select, test, classes, shape, scaling, notes, equal)

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


def check_splits(given: object) -> None:
    """Raise `RequestError` for what stands where splits are expected, such as a pair (X, y)."""
    if not isinstance(given, Splits):
        raise RequestError(
            f"`splits` is a {type(given).__name__}; allowed are Splits, which "
            "Splits.from_arrays(X, y) makes of arrays"
        )
