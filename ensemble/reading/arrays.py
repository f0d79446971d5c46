"""Arrays that users hand over → stored samples: axes in order, values in the right units.

NumPy only. What is stored is what the networks were trained on: 8-bit images, feature rows, or
numbers in units that the training part settled (`pruning.samples.reading`).
"""

from __future__ import annotations

import math
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from pruning.core.errors import RequestError
from pruning.samples.reading import AS_TOLD, Reading, Units

Samples = NDArray[np.uint8] | NDArray[np.float32]


_OWN: tuple[Literal["C", "W"], ...] = ("C", "W")
"""Torch warns of arrays that cannot be written to, such as mapped files."""


def as_samples(values: NDArray[Any], shape: tuple[int, ...], reading: Reading = AS_TOLD) -> Samples:
    """Return an array of several samples as they are stored: (N, *shape) uint8 or float32.

    >>> as_samples(np.full((1, 2, 2), 0.2), (1, 2, 2)).tolist()
    [[[[51, 51], [51, 51]]]]
    """
    if values.dtype.kind not in "iufb":
        raise RequestError(f"samples are {values.dtype}; expected numbers")
    arranged = _arranged(values, shape, reading.axes)
    if reading.units is None and len(shape) == 3:
        return np.require(_eight_bit(arranged), requirements=_OWN)
    if reading.units is not None:
        return _finite(_in_units(arranged, reading.units))
    with np.errstate(over="ignore"):  # what float32 cannot hold is infinite, and refused
        return _finite(np.require(arranged, np.float32, _OWN))


def check_shape(given: tuple[int, ...], shape: tuple[int, ...], reading: Reading) -> None:
    """Refuse a whole array of another shape, before it is read a part at a time."""
    try:
        _arranged(np.empty((0, *given[1:]), np.uint8), shape, reading.axes)
    except RequestError:
        raise wrong_shape(given, shape) from None


def are_flat(values: NDArray[Any], shape: tuple[int, ...]) -> bool:
    """Return whether these are rows (N, H·W) of images of one channel."""
    return len(shape) == 3 and shape[0] == 1 and values.shape[1:] == (math.prod(shape),)


def _arranged(values: NDArray[Any], shape: tuple[int, ...], axes: str) -> NDArray[Any]:
    """Return samples as (N, *shape), a grey image for each channel where it is one."""
    if axes in ("NHWC", "NTC") and values.ndim == len(axes):
        moved = np.moveaxis(values, -1, 1)
        if moved.shape[1:] == shape:
            return moved
    if values.shape[1:] == shape:
        return values
    if are_flat(values, shape):
        return values.reshape(-1, *shape)
    if len(shape) == 3:
        channels, height, width = shape
        if values.shape[1:] == (height, width, channels):
            return values.transpose(0, 3, 1, 2)
        if values.shape[1:] in ((height, width), (1, height, width)) and channels in (1, 3):
            grey = values.reshape(len(values), 1, height, width)
            return np.broadcast_to(grey, (len(values), *shape))
    raise wrong_shape(values.shape, shape)


def _finite(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    if not np.isfinite(samples).all():
        raise RequestError(
            "samples hold NaN, infinite or far too large values; remove or fill them first"
        )
    return samples


def _in_units(values: NDArray[Any], units: Units) -> NDArray[np.float32]:
    """Return numbers in the units of the training data as they are stored."""
    white = units.brightest
    if white == 1 and values.dtype.kind in "iub" and values.size:
        top = 1 if values.dtype.kind == "b" else 255
        _check_range(values, top)
        return units.stored(values / top)
    if white is not None and values.dtype.kind == "f" and values.size:
        _check_range(values, 1)
        return units.stored(values.astype(np.float64) * white)
    if white is not None and values.dtype == np.uint8:
        return units.stored(values.astype(np.float64) * (white / 255))
    return units.stored(values)


def _eight_bit(values: NDArray[Any]) -> NDArray[np.uint8]:
    kind = values.dtype.kind
    if values.dtype == np.uint8 or values.size == 0:
        return values.astype(np.uint8, copy=False)
    if kind == "b":
        return values.astype(np.uint8) * np.uint8(255)
    _check_range(values, 1 if kind == "f" else 255)
    return np.rint(values * 255).astype(np.uint8) if kind == "f" else values.astype(np.uint8)


def _check_range(values: NDArray[Any], top: int) -> None:
    """Refuse pixels beyond 0 to `top`, and say by what they are to be divided."""
    low, high = values.min(), values.max()
    if low >= 0 and high <= top:
        return
    way = "undo what was subtracted, so that black is 0 and white 1"
    if low >= 0 and np.isfinite(high):
        way = (
            f"divide by what white is in them, such as X / {_white(float(high)):g}, as was done "
            "with the training data"
        )
    raise RequestError(
        f"{values.dtype} images have values from {low:g} to {high:g}; expected 0 to {top} "
        f"({'floats are 0..1' if values.dtype.kind == 'f' else 'pixels'}): {way}"
    )


def _white(high: float) -> float:
    """Return what white may be where the largest value is `high`: 255, 4095, 65535, or itself."""
    if high <= 128:
        return high
    return float(2 ** max(math.ceil(math.log2(high + 1)), 8) - 1)


def wrong_shape(given: tuple[int, ...], shape: tuple[int, ...]) -> RequestError:
    """Return the error for an array of another shape than the ensemble's."""
    wanted = f"(N, {', '.join(map(str, shape))})"
    if len(shape) != 3:
        kind = "rows" if len(shape) == 1 else "signals"
        return RequestError(f"samples of shape {given}; expected {kind} {wanted}")
    c, h, w = shape
    hint = (
        "add an axis for one image: X[None]"
        if len(given) < 4
        else "pass paths or PIL images to resize"
    )
    return RequestError(
        f"images of shape {given}; expected {wanted}, (N, {h}, {w}, {c}) or (N, {h}, {w}); {hint}"
    )
