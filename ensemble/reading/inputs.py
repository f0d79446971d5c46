"""What users hand over → (N, *input_shape) stored samples, checked, never guessed."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ensemble.reading.arrays import Samples, are_flat, as_samples, check_shape, wrong_shape
from pruning.core.errors import RequestError
from pruning.samples.reading import AS_TOLD, Reading


@dataclass(frozen=True, eq=False)
class AsStored:
    """Samples that were read already, such as those of a run's parts: taken as they are."""

    samples: Samples

    def __len__(self) -> int:
        return len(self.samples)


def batches(
    given: Any, shape: tuple[int, ...], size: int, reading: Reading = AS_TOLD
) -> Iterator[Samples]:
    """Yield the samples in `given`, at most `size` at a time.

    Parameters
    ----------
    given
        Images: an array or torch tensor (N, H, W), (N, C, H, W), (N, H, W, C) or, of one
        channel, rows (N, H·W); or one, or any iterable, of paths, PIL images, single images
        (H, W), (C, H, W), (H, W, C), batches of them, or pairs with labels, as a DataLoader
        gives. Signals: (N, C, T). Feature rows: (N, F). For 8-bit images uint8 is taken as it
        is; other whole numbers must lie in 0..255; floating-point images must lie in 0..1 and
        are rounded to 1/255. Other numbers are taken in the units of the training data.
    shape
        (C, H, W), (C, T) or (F,). Paths and PIL images are brought to it; arrays must have it.
    size
        Samples per batch.
    reading
        How the training data were read.

    Raises
    ------
    RequestError
        If a shape, dtype or value is none of these.
    """
    if isinstance(given, AsStored):
        yield from _slices(_checked_stored(given.samples, shape, reading), size)
        return
    if isinstance(given, str | Path) or _is_picture(given):
        given = [given]
    if not isinstance(given, Sequence) and _is_array(given) and (paths := _paths_in(given)):
        given = paths
    if _is_array(given):
        values = _as_array(given)
        if values.ndim == 0 or (values.ndim <= len(shape) - 1 and not are_flat(values, shape)):
            raise wrong_shape(values.shape, shape)
        check_several(values.shape, shape)
        if len(values):
            check_shape(values.shape, shape, reading)
        for start in range(0, len(values), size):
            yield as_samples(values[start : start + size], shape, reading)
        return
    if isinstance(given, Mapping | Set | bytes | bytearray) or not isinstance(given, Iterable):
        raise RequestError(
            f"samples of type {type(given).__name__}; expected arrays, tensors, PIL images or "
            "paths, or a list of them"
        )
    waiting: list[Samples] = []
    for entry in given:
        waiting.append(_read_entry(entry, shape, reading))
        if sum(map(len, waiting)) >= size:
            *whole, rest = _slices(_joined(waiting), size)
            yield from whole
            waiting = [rest] if len(rest) < size else []
            if not waiting:
                yield rest
    if waiting:
        yield _joined(waiting)


def check_several(given: tuple[int, ...], shape: tuple[int, ...]) -> None:
    """Refuse a whole array that is one colour image as well as several greyscale ones."""
    if given == shape and len(shape) == 3 and shape[0] > 1:
        raise RequestError(
            f"an array of shape {shape} is one image or {shape[0]} greyscale ones; "
            f"say which: X[None] is one image, X[:, None] is {shape[0]}"
        )


def decode_sample(source: Any, shape: tuple[int, ...], reading: Reading) -> Samples:
    """Return one image, a path, open file or Pillow image, as it is stored: (1, C, H, W)."""
    from pruning.samples.images import decode_image

    check_pictures(shape, reading)
    deep = reading.dtype(shape) == np.float32
    return stored_pixels(decode_image(source, shape, reading.fit, deep=deep)[None], reading)


def stored_pixels(pixels: Samples, reading: Reading) -> Samples:
    """Return decoded images (N, C, H, W), uint8 or float32 in 0..65535, as they are stored."""
    units = reading.units
    if units is None or units.brightest is None:
        return pixels
    return units.stored(pixels.astype(np.float64) * (units.brightest / np.iinfo(np.uint16).max))


def check_pictures(shape: tuple[int, ...], reading: Reading) -> None:
    """Raise `RequestError` where samples of this kind are no image files."""
    if len(shape) != 3:
        what = f"rows of {shape[0]} features" if len(shape) == 1 else f"signals of shape {shape}"
        raise RequestError(f"an image was given; this ensemble reads {what}")
    if shape[0] not in (1, 3) or (reading.units is not None and reading.units.brightest is None):
        raise RequestError(
            f"an image was given; this ensemble was trained on arrays of shape {shape} in units of "
            "their own: give arrays in the same units"
        )


def _joined(parts: list[Samples]) -> Samples:
    whole: Any = np.concatenate(parts)
    joined: Samples = whole
    return joined


def _slices(samples: Samples, size: int) -> Iterator[Samples]:
    for start in range(0, len(samples), size):
        yield samples[start : start + size]


def _checked_stored(samples: Samples, shape: tuple[int, ...], reading: Reading) -> Samples:
    wanted = reading.dtype(shape)
    if samples.shape[1:] != shape or samples.dtype != wanted:
        raise RequestError(
            f"stored samples are {samples.dtype} of shape {samples.shape}; expected {wanted} "
            f"(N, {', '.join(map(str, shape))})"
        )
    return samples


def _read_entry(entry: Any, shape: tuple[int, ...], reading: Reading) -> Samples:
    """Return what one entry of an iterable holds: a sample, or a batch of several."""
    if isinstance(entry, tuple | list) and _is_loaded(entry):
        return _read_entry(entry[0], shape, reading)
    if isinstance(entry, str | Path) or _is_picture(entry):
        return decode_sample(Path(entry) if isinstance(entry, str) else entry, shape, reading)
    values = _as_array(entry)
    single = values.ndim == len(shape) and (len(shape) < 3 or _is_one(values.shape, shape))
    if single or values.ndim < len(shape):
        return as_samples(values[None], shape, reading)
    return as_samples(values, shape, reading)


def _is_loaded(entry: Sequence[Any]) -> bool:
    """Whether it is what a DataLoader gives: samples, and labels if there are any."""
    if len(entry) not in (1, 2) or not (isinstance(entry[0], np.ndarray) or _is_tensor(entry[0])):
        return False
    return getattr(entry[-1], "ndim", 0) < entry[0].ndim or len(entry) == 1


def _is_one(given: tuple[int, ...], shape: tuple[int, ...]) -> bool:
    channels, height, width = shape
    return given in (shape, (height, width, channels), (1, height, width))


def _paths_in(given: Any) -> list[Path] | None:
    """Return the paths that an array or pandas Series of texts or paths holds."""
    if _is_tensor(given):
        return None
    entries = np.asarray(given)
    if entries.ndim != 1 or entries.dtype.kind not in "OU":
        return None
    paths = entries.tolist()
    return [Path(p) for p in paths] if all(isinstance(p, str | Path) for p in paths) else None


def _is_array(given: Any) -> bool:
    if isinstance(given, np.ndarray) or _is_tensor(given) or hasattr(given, "__array__"):
        return True
    first = given[0] if isinstance(given, Sequence) and len(given) else None
    return isinstance(first, int | float | list)


def _as_array(given: Any) -> NDArray[Any]:
    if _is_tensor(given):
        return np.asarray(given.detach().cpu().numpy())
    try:
        values = np.asarray(given)
    except ValueError as error:
        raise RequestError(f"samples differ in shape: {error}".splitlines()[0]) from error
    if values.dtype.kind not in "iufb":
        raise RequestError(
            f"samples of type {type(given).__name__}; expected arrays, tensors, PIL images or paths"
        )
    if np.ma.is_masked(given):
        raise RequestError("samples have masked values; fill them in or leave them out")
    return values


def _is_tensor(given: Any) -> bool:
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(given, torch.Tensor)


def _is_picture(given: Any) -> bool:
    pillow = sys.modules.get("PIL.Image")
    return pillow is not None and isinstance(given, pillow.Image)
