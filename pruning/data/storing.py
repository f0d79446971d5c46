"""Numbers as they are given become stored samples, in units settled on the training part."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from pruning.data.raw import Array
from pruning.samples.reading import Reading, Units
from pruning.samples.scaling import Scaling

COLOURS = 3
"""Channels of coloured images."""
MOST_IMAGES, IMAGES_AT_ONCE = 4096, 256
"""On how many images, evenly spread over all, colours are measured; how many are read at a time."""

_ROUNDING = 2**-12
"""What rounding to float32 may cost, in standard deviations of a feature."""

_SMALLEST = 1e-30
"""Deviations below this are close to the least that float32 holds."""

_COMPARED = 2**22
"""Numbers of the training part that are looked at for values that become equal."""

_LOST = 0.01
"""Share of a feature's distinct values that may become equal without a word."""


@dataclass(frozen=True, eq=False)
class Stored:
    """What `store` returns.

    Attributes
    ----------
    samples
        (N, …) uint8 or float32.
    scaling
        Makes network input of them, and of what is handed over later.
    notes
        What was lost on the way, a line each.
    """

    samples: NDArray[np.uint8] | NDArray[np.float32]
    scaling: Scaling
    notes: tuple[str, ...] = ()


def store(samples: Array, train: NDArray[np.int64], reading: Reading) -> Stored:
    """Bring samples to the type that networks are fed from, without losing their differences.

    8-bit images stay. Feature rows stay as they are where float32 holds them, and networks see
    them with mean 0 and standard deviation 1 on the training part; other rows, images and
    signals are standardised in float64 before they become float32.

    Parameters
    ----------
    samples
        (N, C, H, W) uint8; floating-point (N, F), (N, C, H, W) or (N, C, T).
    train
        Rows of the training part.
    reading
        How they were handed over.
    """
    if samples.dtype == np.uint8:
        images = cast(NDArray[np.uint8], samples)
        return Stored(images, replace(usual_scaling(images[train]), reading=reading))
    given = samples[train]
    if samples.ndim == 2 and _float32_tells(given):
        narrow = samples.astype(np.float32, copy=False)
        scaling = replace(standardising(narrow[train]), reading=reading)
        return Stored(narrow, scaling, lost_values(given, _seen(narrow[train], scaling)))
    brightest = None if reading.units is None else reading.units.brightest
    units = Units.standardising(given, brightest)
    stored = units.stored(samples)
    scaling = Scaling((0.0,), (1.0,), replace(reading, units=units))
    return Stored(stored, scaling, lost_values(given, stored[train]))


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


def _float32_tells(rows: Array) -> bool:
    """Whether rounding to float32 costs each feature a small part of its spread at most."""
    if rows.dtype == np.float32:
        return True
    with np.errstate(over="ignore", invalid="ignore"):
        error = np.abs(rows - rows.astype(np.float32)).max(axis=0)
    varies = np.ptp(rows, axis=0) > 0
    spread = rows.std(axis=0)[varies]
    return bool(((error[varies] <= _ROUNDING * spread) & (spread > _SMALLEST)).all())


def _seen(stored: NDArray[np.float32], scaling: Scaling) -> NDArray[np.float32]:
    offset, scale = np.array(scaling.offset, np.float32), np.array(scaling.scale, np.float32)
    seen: NDArray[np.float32] = (stored - offset) / scale
    return seen


def lost_values(given: NDArray[Any], seen: NDArray[Any]) -> tuple[str, ...]:
    """Return a line for each feature or channel of which distinct values have become equal.

    Parameters
    ----------
    given, seen
        (N, F) or (N, C, …) numbers, as they were and as they became.
    """
    few = max(_COMPARED // max(given[0].size, 1), 1)
    before, after = (_distinct(values[:few]) for values in (given, seen))
    what = "feature" if given.ndim == 2 else "channel"
    return tuple(
        f"{what} {i} has {before[i]} distinct values, of which networks can tell {after[i]} apart: "
        "some are too far away for the others to differ in float32; take logarithms, subtract "
        "what is common to all, or split it in two"
        for i in np.flatnonzero(after < (1 - _LOST) * before)
    )


def _distinct(values: NDArray[Any]) -> NDArray[np.int64]:
    """Return the number of distinct values of each feature or channel."""
    columns = np.sort(np.moveaxis(values, 1, -1).reshape(-1, values.shape[1]), axis=0)
    counts: NDArray[np.int64] = 1 + (columns[1:] != columns[:-1]).sum(axis=0)
    return counts
