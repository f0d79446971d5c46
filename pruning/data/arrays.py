"""Arrays of samples and labels, from a file or a notebook: what is taken, and as what."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pruning.core.errors import RequestError
from pruning.data.raw import Array, Classes, RawData, encode

_MOST_CHANNELS = 4
Given = NDArray[Any]
Labelled = tuple[ArrayLike, ArrayLike]
"""Samples and their labels, (X, y)."""


def labelled_arrays(X: ArrayLike, y: ArrayLike, source: str = "") -> RawData:
    """Check samples and labels, and bring them to the types that a data set has.

    Parameters
    ----------
    X
        N samples; anything that `numpy.asarray` takes. One of

        - images (N, H, W), (N, H, W, C) or (N, C, H, W) with at most 4 channels and sides
          longer than 4: uint8 or other integers in 0..255, or floats in [0, 1], which are
          multiplied by 255 and rounded;
        - feature rows (N, F): any real numbers, kept as float32.
    y
        (N,) integers or strings.
    source
        Where they come from, such as ``"val: "``: what an error begins with.

    Raises
    ------
    RequestError
        For a wrong shape, type or range, NaN or infinity.

    >>> labelled_arrays([[[0.0, 1.0]], [[1.0, 0.2]]], ["off", "on"]).samples.tolist()
    [[[[0, 255]]], [[[255, 51]]]]
    """
    samples, labels = _array("X", X, source), _array("y", y, source)
    if samples.ndim == 0 or len(samples) == 0 or labels.shape != (len(samples),):
        raise RequestError(
            f"{source}X has shape {samples.shape} and y {labels.shape}; allowed N samples and "
            "(N,) labels"
        )
    if samples.dtype.kind not in "buif" or (samples.dtype.kind == "b" and samples.ndim != 2):
        raise RequestError(f"{source}X has type {samples.dtype}; allowed integers and floats")
    _check_finite(source, samples)
    if samples.ndim not in (2, 3, 4) or 0 in samples.shape:
        raise RequestError(
            f"{source}X has shape {samples.shape}; "
            "allowed (N, F), (N, H, W), (N, H, W, C), (N, C, H, W)"
        )
    encoded = encode(checked_labels(labels, source))
    checked: Array = _rows(source, samples) if samples.ndim == 2 else _images(source, samples)
    return RawData(checked, encoded.labels, encoded.classes)


def joined_arrays(given: Mapping[str, Labelled]) -> RawData:
    """Check (X, y) of several parts and set them one after the other, the last as test part.

    Raises
    ------
    RequestError
        As `labelled_arrays`; for samples or labels of different kinds, or a class that the
        first part lacks.
    """
    parts = {name: labelled_arrays(X, y, f"{name}: ") for name, (X, y) in given.items()}
    samples = {name: np.asarray(part.samples) for name, part in parts.items()}
    first, *others = samples
    for name in others:
        if samples[name].shape[1:] != samples[first].shape[1:]:
            raise RequestError(
                f"{name} has samples of shape {samples[name].shape[1:]}, {first} of shape "
                f"{samples[first].shape[1:]}; allowed is one shape"
            )
        if parts[name].classes.dtype.kind != parts[first].classes.dtype.kind:
            raise RequestError(
                f"labels of {name} are {_kind(parts[name].classes)}, of {first} "
                f"{_kind(parts[first].classes)}; allowed is one kind"
            )
        if unknown := sorted(
            set(parts[name].classes.tolist()) - set(parts[first].classes.tolist())
        ):
            raise RequestError(f"class {unknown[0]!r} is in {name} and not in {first}")
    labels = np.concatenate([part.classes[part.labels] for part in parts.values()])
    encoded = encode(labels)
    whole = np.concatenate(list(samples.values()))
    test_from = len(whole) - len(samples[others[-1]])
    return RawData(whole, encoded.labels, encoded.classes, test_from)


def checked_labels(labels: Given, source: str = "") -> NDArray[np.int64] | NDArray[np.str_]:
    """Return labels as int64 or strings; Python strings in an array of objects are strings."""
    if labels.dtype.kind == "U":
        return labels
    if labels.dtype.kind == "O" and all(isinstance(label, str) for label in labels.flat):
        return labels.astype(np.str_)
    if labels.dtype.kind not in "iu" or labels.max(initial=0) > np.iinfo(np.int64).max:
        raise RequestError(
            f"{source}y has type {labels.dtype}; allowed integers (int64) or strings"
        )
    return labels.astype(np.int64)


def _array(name: str, values: ArrayLike, source: str) -> Given:
    try:
        return np.asarray(values)
    except (TypeError, ValueError, RuntimeError) as error:
        reason = str(error).splitlines()[0]
        raise RequestError(f"{source}{name} cannot be read as an array: {reason}") from error


def _check_finite(source: str, X: Given) -> None:
    if X.dtype.kind != "f":
        return
    bad = ~np.isfinite(X.reshape(len(X), -1)).all(axis=1)
    if bad.any():
        raise RequestError(
            f"{source}{bad.sum()} of {len(X)} samples of X hold NaN or infinity, the first is "
            f"sample {int(bad.argmax())}; allowed finite numbers: fill them in or leave them out"
        )


def _rows(source: str, X: Given) -> NDArray[np.float32]:
    with np.errstate(over="ignore"):
        rows = X.astype(np.float32)
    if not np.isfinite(rows).all():
        raise RequestError(f"{source}X reaches {np.abs(X).max():g}; allowed what float32 holds")
    return rows


def _images(source: str, X: Given) -> NDArray[np.uint8]:
    images = _channels_first(source, X)
    if X.dtype == np.uint8:
        return np.ascontiguousarray(images)
    low, high = X.min(), X.max()
    if X.dtype.kind == "f":
        if low < 0 or high > 1:
            raise RequestError(
                f"{source}X has float images in [{low:g}, {high:g}]; allowed [0, 1], or uint8 "
                "in 0..255"
            )
        images = np.rint(images * images.dtype.type(255))
    elif low < 0 or high > 255:
        raise RequestError(f"{source}X has images in [{low}, {high}]; allowed 0..255")
    return np.ascontiguousarray(images, dtype=np.uint8)


def _channels_first(source: str, X: Given) -> Given:
    if X.ndim == 3:
        return X[:, None]
    first, last = X.shape[1] <= _MOST_CHANNELS, X.shape[3] <= _MOST_CHANNELS
    if first == last:
        raise RequestError(
            f"{source}X has shape {X.shape}, in which {'either' if first else 'neither'} axis "
            f"could be 1 to {_MOST_CHANNELS} channels; allowed (N, C, H, W) and (N, H, W, C)"
        )
    return X if first else X.transpose(0, 3, 1, 2)


def _kind(classes: Classes) -> str:
    return "strings" if classes.dtype.kind == "U" else "integers"
