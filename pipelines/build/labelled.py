"""Labelled samples in an ``.npz``, for models made elsewhere: taken as those models take them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pruning.core.errors import RequestError
from pruning.core.plain_text import check_writable
from pruning.samples.archive import read_archive
from pruning.samples.reading import Reading, Units
from selection.pool import sorted_classes

_CHANNELS = (1, 3, 4)


@dataclass(frozen=True, eq=False)
class LabelledSamples:
    """Samples with labels.

    Attributes
    ----------
    name
        Of the file.
    samples
        (N, C, H, W) uint8 or float32, or (N, …) float32.
    labels
        (N,) int64 in 0..C-1.
    classes
        (C,) int64 or text, in the order of the models' columns.
    reading
        How predictions are to read what is handed over.
    test_samples, test_labels
        The same of samples held out of the choice; None where there are none.
    """

    name: str
    samples: NDArray[Any]
    labels: NDArray[np.int64]
    classes: NDArray[Any]
    reading: Reading
    test_samples: NDArray[Any] | None = None
    test_labels: NDArray[np.int64] | None = None


def read_labelled(path: Path) -> LabelledSamples:
    """Read ``X`` and ``y``, optional ``classes``, optional ``X_test`` and ``y_test``.

    ``X`` is uint8 images, or numbers as the models take them. ``y`` are any of ``classes``, the
    labels of the models' columns; without them whole numbers from 0, or else the labels in
    sorted order.

    Raises
    ------
    RequestError
        Where the file is not as above.
    """
    arrays = read_archive(path, lambda names: names)
    for name in ("X", "y"):
        if name not in arrays:
            raise RequestError(
                f"{path} holds {', '.join(sorted(arrays)) or 'nothing'} and no {name!r}; expected "
                "samples X (N, …) and labels y (N,)"
            )
    samples = _samples(path, "X", arrays["X"])
    classes = _classes(arrays)
    check_writable(f"{path}: class", map(str, classes.tolist()))
    labels = _columns(path, "y", arrays["y"], classes, len(samples))
    test_samples = test_labels = None
    if "X_test" in arrays and "y_test" in arrays:
        test_samples = _samples(path, "X_test", arrays["X_test"])
        if test_samples.shape[1:] != samples.shape[1:] or test_samples.dtype != samples.dtype:
            raise RequestError(f"{path}: X and X_test hold samples of different kinds")
        test_labels = _columns(path, "y_test", arrays["y_test"], classes, len(test_samples))
    eight_bit = samples.dtype == np.uint8
    return LabelledSamples(
        path.name, samples, labels, classes, Reading() if eight_bit else Reading(units=Units()),
        test_samples, test_labels,
    )  # fmt: skip


def _samples(path: Path, name: str, given: NDArray[Any]) -> NDArray[Any]:
    """Return samples with the channels first, uint8 images or float32."""
    if given.dtype.kind not in "fiub" or given.ndim not in (2, 3, 4) or not len(given):
        raise RequestError(
            f"{path}: {name} is {given.dtype} of shape {given.shape}; expected numbers (N, F), "
            "(N, C, T), (N, C, H, W) or (N, H, W, C)"
        )
    images = given.dtype == np.uint8 and given.ndim >= 3
    if images and given.ndim == 3:
        given = given[:, None]
    if given.ndim == 4 and given.shape[1] not in _CHANNELS and given.shape[3] in _CHANNELS:
        given = np.moveaxis(given, -1, 1)
    stored = np.ascontiguousarray(given, np.uint8 if images else np.float32)
    if not images and not np.isfinite(stored).all():
        raise RequestError(f"{path}: {name} holds infinite values or none (NaN)")
    return stored


def _classes(arrays: dict[str, NDArray[Any]]) -> NDArray[Any]:
    if "classes" in arrays:
        given = arrays["classes"]
    else:
        labels = arrays["y"].ravel()
        whole = labels.dtype.kind in "iu" and labels.min(initial=0) >= 0
        count = int(labels.max(initial=0)) + 1 if whole else len(np.unique(labels))
        known = sorted_classes(labels, count)
        given = np.arange(count) if known is None else known
    return given.astype(np.int64 if given.dtype.kind in "iu" else np.str_)


def _columns(
    path: Path, name: str, labels: NDArray[Any], classes: NDArray[Any], samples: int
) -> NDArray[np.int64]:
    given = labels[:, 0] if labels.ndim == 2 and labels.shape[1] == 1 else labels
    if given.shape != (samples,):
        raise RequestError(f"{path}: {name} has shape {labels.shape}; expected ({samples},)")
    columns = {label: column for column, label in enumerate(classes.tolist())}
    strange = next((label for label in given.tolist() if label not in columns), None)
    if strange is not None:
        known = ", ".join(map(str, columns))[:200]
        raise RequestError(f"{path}: {name} holds {strange!r}, none of the classes {known}")
    return np.array([columns[label] for label in given.tolist()], np.int64)
