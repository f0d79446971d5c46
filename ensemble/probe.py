"""The probe: a few inputs and what each member made of them, by which a copy is known.

Weights alone do not make a network. A matrix kept as a plain attribute, a buffer with
``persistent=False``, layers in a Python list: none of it is stored, all of it is drawn anew when
the network is built again, and a team so loaded answers at chance without a word. So a file
keeps what its members answered when it was written, and whoever loads it asks again.

The inputs are noise that is the same everywhere (the bytes of SHAKE-256), so that only its
answers are stored; or samples that were handed in. NumPy only.
"""

from __future__ import annotations

import base64
import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ensemble.reading.arrays import Samples
from ensemble.storage.fields import Fields
from pruning.core.array_values import ArrayValue
from pruning.core.errors import RequestError
from pruning.samples.scaling import Scaling

MOST_SAMPLES = 4
"""Inputs of a probe: four, and one where a sample has more than `LARGE` values."""

LARGE = 4096

MOST_CLASSES = 16
"""Classes whose answers are kept: evenly spread where there are more."""

FLOOR = 1e-13
"""Smaller probabilities count as this."""

SINGLE, HALF, INT8 = 0.02, 0.1, 0.25
"""How far a log-probability may stray, and the same again for each nat it lies below 0: in
float32, in half precision, in int8. Processors differ by a thousandth of that; a network drawn
anew by fifty times as much."""

DECIMALS = 3
"""Of the answers as they are kept: a twentieth of what may stray."""


@dataclass(frozen=True, eq=False)
class Probe(ArrayValue):
    """Inputs and answers.

    Attributes
    ----------
    answers
        (S, K, J) float64, logarithms of each member's probabilities of K samples, of at most
        16 of the classes.
    tolerance
        See `SINGLE`.
    samples
        (K, *input_shape) uint8 or float32; None for the noise that `noise` makes.
    """

    answers: NDArray[np.float64]
    tolerance: float = SINGLE
    samples: Samples | None = None

    @classmethod
    def of(
        cls, probabilities: NDArray[np.float32], tolerance: float, samples: Samples | None = None
    ) -> Probe:
        """Return the probe of (S, K, C) probabilities that the members gave."""
        return cls(np.round(_logarithms(probabilities), DECIMALS), tolerance, samples)

    def inputs(self, shape: tuple[int, ...], scaling: Scaling) -> Samples:
        """Return (K, *shape) what the members are to be asked."""
        return noise(shape, scaling) if self.samples is None else self.samples

    def strays(self, member: int, probabilities: NDArray[np.float32]) -> bool:
        """Whether (K, C) probabilities are not those that this member gave."""
        kept, found = self.answers[member], _logarithms(probabilities)
        if kept.shape != found.shape or not np.isfinite(found).all():
            return True
        return bool((np.abs(found - kept) > self.tolerance * (1 + np.abs(kept))).any())

    def check(self, names: Sequence[str], probabilities: NDArray[np.float32], source: str) -> None:
        """Raise `RequestError` where (S, K, C) probabilities stray from what is kept."""
        for member, name in enumerate(names):
            if self.strays(member, probabilities[member]):
                raise RequestError(
                    f"{source}: member {name!r} answers otherwise than when it was written"
                )

    def to_json(self) -> dict[str, object]:
        """Return it as plain JSON values; `from_json` reads them back."""
        given = self.samples
        return {
            "answers": self.answers.ravel().tolist(),
            "tolerance": self.tolerance,
            "samples": None if given is None else base64.b64encode(given.tobytes()).decode(),
        }

    @classmethod
    def from_json(
        cls, fields: Fields | None, members: int, classes: int, shape: tuple[int, ...],
        scaling: Scaling,
    ) -> Probe | None:  # fmt: skip
        """Return the probe of so many members and classes; None where the file has none."""
        if fields is None:
            return None
        samples, count = None, _count(shape)
        if fields.values.get("samples") is not None:
            samples = _samples(fields, shape, scaling.reading.dtype(shape))
            count = len(samples)
        size = (members, count, min(classes, MOST_CLASSES))
        answers = fields.numbers("answers", 2 * math.log(FLOOR), 0, math.prod(size))
        if len(answers) != math.prod(size):
            raise fields.error("answers", f"{math.prod(size)} numbers")
        tolerance = fields.number("tolerance", 0, 1)
        return cls(np.array(answers).reshape(size), tolerance, samples)


def noise(shape: tuple[int, ...], scaling: Scaling, count: int | None = None) -> Samples:
    """Return samples that are the same on every machine and in every version of NumPy.

    As many as a probe has, or `count`: more begin with the fewer.

    8-bit images are evenly spread bytes. Other numbers are spread evenly over ±√3 standard
    deviations, as `scaling` knows them.

    >>> noise((1, 8, 8), Scaling())[0, 0, 0, :3]
    array([99, 62, 10], dtype=uint8)
    """
    size = (count or _count(shape), *shape)
    drawn = np.frombuffer(hashlib.shake_256(b"probe").digest(math.prod(size)), np.uint8)
    if scaling.reading.dtype(shape) == np.uint8:
        return drawn.reshape(size).copy()
    spread = (drawn.reshape(size) / 127.5 - 1) * math.sqrt(3)
    trailing = (1,) * (len(shape) - 1)
    rows = spread * np.reshape(scaling.scale, (-1, *trailing))
    rows = rows + np.reshape(scaling.offset, (-1, *trailing))
    return np.asarray(rows, np.float32)


def few(samples: Samples) -> Samples:
    """Return the first samples, as many as a probe takes of handed-in ones."""
    return samples[: _count(samples.shape[1:])]


def _count(shape: tuple[int, ...]) -> int:
    return MOST_SAMPLES if math.prod(shape) <= LARGE else 1


def _logarithms(probabilities: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return (…, J) logarithms of the classes that are kept."""
    classes = probabilities.shape[-1]
    kept = np.linspace(0, classes - 1, min(classes, MOST_CLASSES)).round().astype(np.int64)
    return np.asarray(np.log(np.maximum(probabilities[..., kept].astype(np.float64), FLOOR)))


def _samples(
    fields: Fields, shape: tuple[int, ...], kind: np.dtype[np.uint8] | np.dtype[np.float32]
) -> Samples:
    dtype = kind.newbyteorder("<")
    size = dtype.itemsize * math.prod(shape)
    try:
        data = base64.b64decode(fields.text("samples", 2 * size * MOST_SAMPLES), validate=True)
        samples = np.frombuffer(data, dtype).reshape(-1, *shape)
    except ValueError as error:
        if isinstance(error, RequestError):
            raise
        raise fields.error("samples", f"base64 of whole samples of shape {shape}") from error
    if not 1 <= len(samples) <= MOST_SAMPLES or not np.isfinite(samples).all():
        raise fields.error("samples", f"base64 of 1 to {MOST_SAMPLES} samples of numbers")
    return samples.astype(np.uint8) if kind == np.uint8 else samples.astype(np.float32)
