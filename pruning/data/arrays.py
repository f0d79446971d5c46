"""Arrays of samples and labels, from a file or a notebook: what is taken, and as what."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, cast

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pruning.core.errors import RequestError
from pruning.data.raw import Classes, RawData, encode
from pruning.data.storing import lost_values
from pruning.samples.reading import Axes, Reading, Units

_MOST_CHANNELS = 4
_LARGEST = 1e150
"""Numbers beyond this have squares that float64 does not hold."""

_LARGEST_WHOLE = 2**53
"""Integers beyond this float64 does not tell from their neighbours."""

Given = NDArray[Any]
Labelled = tuple[ArrayLike, ArrayLike]
"""Samples and their labels, (X, y)."""


def labelled_arrays(X: ArrayLike, y: ArrayLike, source: str = "", *, axes: str = "") -> RawData:
    """Check samples and labels, and bring them to the types that a data set has.

    Parameters
    ----------
    X
        N samples; anything that `numpy.asarray` takes. One of

        - images (N, H, W), (N, H, W, C) or (N, C, H, W) with at most 4 channels and sides
          longer than 4, or any with `axes`: uint8, other integers in 0..255, floats in [0, 1]
          that were 8-bit pixels divided by 255, or booleans are kept in 8 bits. Others are
          kept as they are and standardised on the training part;
        - signals (N, C, T), with `axes`;
        - feature rows (N, F): any real numbers.
    y
        (N,) integers or strings.
    source
        Where they come from, such as ``"val: "``: what an error begins with.
    axes
        What the axes of X are: ``"NHW"``, ``"NCHW"``, ``"NHWC"``, ``"NCT"`` or ``"NTC"``;
        empty: their number and lengths tell.

    Raises
    ------
    RequestError
        For a wrong shape, type or range, NaN or infinity.

    >>> labelled_arrays([[[0.0, 1.0]], [[1.0, 0.2]]], ["off", "on"]).samples.tolist()
    [[[[0, 255]]], [[[255, 51]]]]
    """
    samples, labels = _checked(X, y, source, axes)
    encoded = encode(labels)
    return _raw(samples, encoded.labels, encoded.classes, axes)


def joined_arrays(given: Mapping[str, Labelled], axes: str = "", source: str = "") -> RawData:
    """Check (X, y) of several parts and set them one after the other.

    A part called ``test`` becomes the test part, one called ``val`` the validation part.

    Raises
    ------
    RequestError
        As `labelled_arrays`; for samples or labels of different kinds, or a class that the
        first part lacks.
    """
    parts = {name: _checked(X, y, f"{source}{name}: ", axes) for name, (X, y) in given.items()}
    samples = {name: part[0] for name, part in parts.items()}
    labels = {name: part[1] for name, part in parts.items()}
    first, *others = samples
    for name in others:
        if samples[name].shape[1:] != samples[first].shape[1:]:
            raise RequestError(
                f"{name} has samples of shape {samples[name].shape[1:]}, {first} of shape "
                f"{samples[first].shape[1:]}; allowed is one shape"
            )
        if labels[name].dtype.kind != labels[first].dtype.kind:
            raise RequestError(
                f"labels of {name} are {_kind(labels[name])}, of {first} "
                f"{_kind(labels[first])}; allowed is one kind"
            )
        if unknown := sorted(set(labels[name].tolist()) - set(labels[first].tolist())):
            raise RequestError(f"class {unknown[0]!r} is in {name} and not in {first}")
    encoded = encode(np.concatenate(list(labels.values())))
    whole = np.concatenate(list(samples.values()))
    raw = _raw(whole, encoded.labels, encoded.classes, axes)
    starts = dict(zip(samples, np.cumsum([0, *map(len, samples.values())]).tolist(), strict=False))
    return replace(raw, test_from=starts.get("test"), val_from=starts.get("val"))


def _checked(
    X: ArrayLike, y: ArrayLike, source: str, axes: str
) -> tuple[Given, NDArray[np.int64] | NDArray[np.str_]]:
    """Return samples as numbers, channels first, and labels as whole numbers or text."""
    samples, labels = _array("X", X, source), _array("y", y, source)
    if labels.shape == (len(labels) if labels.ndim else 0, 1):
        labels = labels[:, 0]
    if samples.ndim == 0 or len(samples) == 0 or labels.shape != (len(samples),):
        raise RequestError(
            f"{source}X has shape {samples.shape} and y {labels.shape}; allowed N samples and "
            "(N,) labels"
        )
    if samples.dtype.kind not in "buif":
        raise RequestError(f"{source}X has type {samples.dtype}; allowed integers and floats")
    _check_finite(source, samples)
    if samples.ndim not in (2, 3, 4) or 0 in samples.shape:
        raise RequestError(
            f"{source}X has shape {samples.shape}; "
            "allowed (N, F), (N, H, W), (N, H, W, C), (N, C, H, W), and (N, C, T) with `axes` 'NCT'"
        )
    if samples.dtype == np.bool_ and samples.ndim > 2:
        samples = samples.astype(np.uint8) * np.uint8(255)
    if samples.ndim > 2 or axes:
        samples = channels_first(samples, axes, source)
    return samples, checked_labels(labels, source)


def _raw(
    samples: Given,
    labels: NDArray[np.int64],
    classes: Classes,
    axes: str,
) -> RawData:
    """Return samples in the smallest type that holds their numbers."""
    about = Reading(axes=cast(Axes, axes) if samples.ndim > 2 else "")
    if samples.ndim == 2:
        rows = _as_floats(samples)
        return RawData(rows, labels, classes, reading=about, notes=_rounded(samples, rows))
    eight = _eight_bits(samples) if samples.ndim == 4 else None
    if eight is not None:
        return RawData(np.ascontiguousarray(eight), labels, classes, reading=about)
    shares = samples.dtype.kind == "f" and samples.min() >= 0 and samples.max() <= 1
    units = Units(brightest=1.0 if shares else None)
    about = Reading(axes=about.axes, units=units)
    floats = _as_floats(samples)
    return RawData(floats, labels, classes, reading=about, notes=_rounded(samples, floats))


def _rounded(samples: Given, floats: Given) -> tuple[str, ...]:
    """Return a line for each feature whose integers are equal as floats: float64 holds to 2⁵³."""
    whole = samples.dtype.kind in "iu"
    held = not whole or (samples.min() >= -_LARGEST_WHOLE and samples.max() <= _LARGEST_WHOLE)
    return () if held else lost_values(samples, floats)


def _as_floats(samples: Given) -> NDArray[np.float32] | NDArray[np.float64]:
    """Return numbers as float32 where their type says that it holds them, else as float64."""
    if np.can_cast(samples.dtype, np.float32, "safe"):
        return np.ascontiguousarray(samples, np.float32)
    return np.ascontiguousarray(samples, np.float64)


def _eight_bits(images: Given) -> NDArray[np.uint8] | None:
    """Return images as 8-bit pixels if they are such, at most divided by 255; else None."""
    if images.dtype == np.uint8:
        return images
    low, high = images.min(), images.max()
    if images.dtype.kind in "iu":
        return images.astype(np.uint8) if low >= 0 and high <= 255 else None
    if low < 0 or high > 1:
        return None
    pixels = images * images.dtype.type(255)
    whole = np.rint(pixels)
    slack = max(float(np.finfo(images.dtype).eps), 2**-23) * 255
    return whole.astype(np.uint8) if np.abs(pixels - whole).max() <= slack else None


def checked_labels(labels: Given, source: str = "") -> NDArray[np.int64] | NDArray[np.str_]:
    """Return labels as int64 or strings; Python strings in an array of objects are strings."""
    if labels.dtype.kind == "U":
        return labels
    if labels.dtype.kind == "O" and all(isinstance(label, str) for label in labels.flat):
        return labels.astype(np.str_)
    if labels.dtype.kind not in "iu" or labels.max(initial=0) > np.iinfo(np.int64).max:
        whole = labels.dtype.kind == "f" and bool((labels == np.round(labels)).all())
        raise RequestError(
            f"{source}y has type {labels.dtype}; allowed integers (int64) or strings, such as "
            f"y.astype({'int' if whole else 'str'})"
        )
    return labels.astype(np.int64)


def _array(name: str, values: ArrayLike, source: str) -> Given:
    if np.ma.is_masked(values):
        raise RequestError(f"{source}{name} has masked values; fill them in or leave them out")
    try:
        return np.asarray(values)
    except (TypeError, ValueError, RuntimeError) as error:
        reason = str(error).splitlines()[0]
        raise RequestError(f"{source}{name} cannot be read as an array: {reason}") from error


def _check_finite(source: str, X: Given) -> None:
    if X.dtype.kind != "f":
        return
    with np.errstate(invalid="ignore"):
        most = float(np.abs(X).max(initial=0))
    if np.isfinite(most) and most > _LARGEST:
        raise RequestError(f"{source}X reaches {most:g}; allowed up to {_LARGEST:g}")
    bad = ~np.isfinite(X.reshape(len(X), -1)).all(axis=1)
    if bad.any():
        raise RequestError(
            f"{source}{bad.sum()} of {len(X)} samples of X hold NaN or infinity, the first is "
            f"sample {int(bad.argmax())}; allowed finite numbers: fill them in or leave them out"
        )


def channels_first(X: Given, axes: str, source: str = "") -> Given:
    """Return images as (N, C, H, W) and signals as (N, C, T).

    Raises
    ------
    RequestError
        Where `axes` does not fit, or is needed because lengths do not tell which is the channel.
    """
    if axes and len(axes) != X.ndim:
        raise RequestError(f"{source}X has shape {X.shape}, which are not the axes {axes}")
    if axes in ("NHWC", "NTC"):
        return np.moveaxis(X, -1, 1)
    if axes in ("NCHW", "NCT"):
        return X
    if X.ndim == 3:
        return X[:, None]
    first, last = X.shape[1] <= _MOST_CHANNELS, X.shape[3] <= _MOST_CHANNELS
    if first == last:
        raise RequestError(
            f"{source}X has shape {X.shape}, in which {'either' if first else 'neither'} axis "
            f"could be 1 to {_MOST_CHANNELS} channels; say which it is: `axes` 'NCHW' or 'NHWC'"
        )
    return X if first else X.transpose(0, 3, 1, 2)


def _kind(classes: Classes) -> str:
    return "strings" if classes.dtype.kind == "U" else "integers"
