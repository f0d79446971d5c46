"""How what is handed over becomes stored samples: settled by a build, repeated by predictions."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

Fit = Literal["cut", "stretch", "pad"]
Axes = Literal["NHW", "NCHW", "NHWC", "NCT", "NTC"]

_BLOCK = 1024
"""Samples that are in double precision at a time."""


@dataclass(frozen=True)
class Units:
    """Numbers that 8 bits would not hold, stored as ``float32((x - offset) / scale)``.

    The difference and the quotient are taken in float64: what distinguishes 1,600,000,000 from
    1,600,000,010 is gone once both are float32.

    Attributes
    ----------
    offset, scale
        Of each channel or feature, or one for all; every scale is positive.
    brightest
        The number of a white pixel: 1 for floats in 0..1, 65535 for files of 16 bits. None for
        numbers in units of their own, among which image files make no sense.
    """

    offset: tuple[float, ...] = (0.0,)
    scale: tuple[float, ...] = (1.0,)
    brightest: float | None = None

    def __post_init__(self) -> None:
        if len(self.offset) != len(self.scale) or not all(s > 0 for s in self.scale):
            raise ValueError(f"offset {self.offset} and scale {self.scale}: as many, scale > 0")
        if self.brightest is not None and not self.brightest > 0:
            raise ValueError(f"brightest {self.brightest} must be positive")

    @classmethod
    def standardising(cls, train: NDArray[Any], brightest: float | None = None) -> Units:
        """Return the units in which (N, F) or (N, C, …) samples have mean 0 and deviation 1.

        A feature or channel that is the same in all samples becomes 0.

        >>> seconds = np.array([[1_600_000_000.0], [1_600_000_010.0]])
        >>> Units.standardising(seconds).stored(seconds).ravel().tolist()
        [-1.0, 1.0]
        """
        axes = (0, *range(2, train.ndim))
        offset = train.mean(axis=axes, dtype=np.float64)
        scale = train.std(axis=axes, dtype=np.float64)
        varies = (train.max(axis=axes) > train.min(axis=axes)) & (scale > 0)
        divisor = np.where(varies, scale, 1.0)
        return cls(tuple(offset.tolist()), tuple(divisor.tolist()), brightest)

    def stored(self, values: NDArray[Any]) -> NDArray[np.float32]:
        """Return (N, F) or (N, C, …) numbers of any type as float32 in these units."""
        trailing = (1,) * (values.ndim - 2)
        offset = np.array(self.offset).reshape(-1, *trailing)
        scale = np.array(self.scale).reshape(-1, *trailing)
        out = np.empty(values.shape, np.float32)
        with np.errstate(over="ignore"):  # what float32 cannot hold is infinite, and refused
            for start in range(0, len(values), _BLOCK):
                block = values[start : start + _BLOCK].astype(np.float64)
                out[start : start + _BLOCK] = (block - offset) / scale
        return out


@dataclass(frozen=True)
class Reading:
    """How samples were read when the networks were trained.

    Attributes
    ----------
    fit
        How an image of another shape is brought to the networks': its sides are cut off, it is
        stretched, or padded with black.
    axes
        What the axes of arrays are, such as ``"NHWC"``; empty where their lengths told.
    units
        Of numbers that are stored as float32; None where images are stored in 8 bits, and
        feature rows as they are.
    """

    fit: Fit = "cut"
    axes: Axes | Literal[""] = ""
    units: Units | None = None

    def __post_init__(self) -> None:
        if self.fit not in get_args(Fit) or self.axes not in ("", *get_args(Axes)):
            raise ValueError(
                f"fit {self.fit!r}, axes {self.axes!r}: allowed {get_args(Fit)}, {get_args(Axes)}"
            )

    def dtype(self, shape: tuple[int, ...]) -> np.dtype[np.uint8] | np.dtype[np.float32]:
        """Return what samples of this shape are stored as."""
        eight_bit = len(shape) == 3 and self.units is None
        return np.dtype(np.uint8) if eight_bit else np.dtype(np.float32)

    def to_json(self) -> dict[str, Any]:
        """Return it as plain JSON values; `from_json` reads them back."""
        units = self.units and {
            "offset": list(self.units.offset),
            "scale": list(self.units.scale),
            "brightest": self.units.brightest,
        }
        return {"fit": self.fit, "axes": self.axes, "units": units}

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> Reading:
        """Return what `to_json` wrote.

        Raises
        ------
        ValueError
            For a value that is not allowed.
        """
        try:
            return cls(content["fit"], content["axes"], _units(content["units"]))
        except (KeyError, TypeError) as error:
            raise ValueError(f"reading {dict(content)!r} is not one that was written") from error


AS_TOLD = Reading()
"""8-bit images or feature rows as they are, the first of the choices."""


def _units(content: Mapping[str, Any] | None) -> Units | None:
    if content is None:
        return None
    brightest = content["brightest"]
    numbers = [*content["offset"], *content["scale"], *([] if brightest is None else [brightest])]
    if not all(type(n) in (int, float) and math.isfinite(n) for n in numbers):
        raise ValueError("units must be finite numbers")
    return Units(tuple(content["offset"]), tuple(content["scale"]), brightest)
