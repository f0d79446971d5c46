"""What users hand over → (N, *input_shape) uint8 images or float32 rows, checked, never guessed."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pruning.core.errors import RequestError

Samples = NDArray[np.uint8] | NDArray[np.float32]


def batches(given: Any, shape: tuple[int, ...], size: int) -> Iterator[Samples]:
    """Yield the samples in `given`, at most `size` at a time.

    Parameters
    ----------
    given
        Images: an array or torch tensor (N, H, W), (N, C, H, W) or (N, H, W, C); or one,
        or any iterable, of paths, PIL images and single images (H, W), (C, H, W), (H, W, C).
        Feature rows: (N, F). uint8 is taken as it is; other whole numbers must lie in
        0..255; floating-point images must lie in 0..1 and are rounded to 1/255.
    shape
        (C, H, W) or (F,). Paths and PIL images are brought to it; arrays must have it.
    size
        Samples per batch.

    Raises
    ------
    RequestError
        If a shape, dtype or value is none of these.
    """
    if isinstance(given, str | Path) or _is_picture(given):
        given = [given]
    if _is_array(given):
        values = _as_array(given)
        if values.ndim == 0 or (values.ndim < 3 and len(shape) == 3):
            raise _wrong_shape(values.shape, shape)
        check_several(values.shape, shape)
        for start in range(0, len(values), size):
            yield as_samples(values[start : start + size], shape)
        return
    entries = iter(given)
    while chunk := list(islice(entries, size)):
        yield np.concatenate([_one(entry, shape) for entry in chunk])


def check_several(given: tuple[int, ...], shape: tuple[int, ...]) -> None:
    """Refuse a whole array that is one colour image as well as several greyscale ones."""
    if given == shape and len(shape) == 3 and shape[0] > 1:
        raise RequestError(
            f"an array of shape {shape} is one image or {shape[0]} greyscale ones; "
            f"say which: X[None] is one image, X[:, None] is {shape[0]}"
        )


def as_samples(values: NDArray[Any], shape: tuple[int, ...]) -> Samples:
    """Return an array of several samples as (N, *shape) uint8, or float32 for rows.

    >>> as_samples(np.full((1, 2, 2), 0.2), (1, 2, 2)).tolist()
    [[[[51, 51], [51, 51]]]]
    """
    if len(shape) == 1:
        return _rows(values, shape)
    return np.ascontiguousarray(_channels_first(_eight_bit(values), shape))


def _one(entry: Any, shape: tuple[int, ...]) -> Samples:
    if isinstance(entry, str | Path) or _is_picture(entry):
        if len(shape) != 3:
            raise RequestError(
                f"an image was given; this ensemble reads rows of {shape[0]} features"
            )
        from pruning.samples.images import decode_image

        return decode_image(Path(entry) if isinstance(entry, str) else entry, shape)[None]
    values = _as_array(entry)
    return as_samples(values[None], shape)


def _rows(values: NDArray[Any], shape: tuple[int, ...]) -> NDArray[np.float32]:
    if values.ndim != 2 or values.shape[1:] != shape:
        raise _wrong_shape(values.shape, shape)
    if values.dtype.kind not in "iuf":
        raise RequestError(f"feature rows are {values.dtype}; expected numbers")
    with np.errstate(over="ignore"):
        rows = np.ascontiguousarray(values, dtype=np.float32)
    if not np.isfinite(rows).all():
        raise RequestError("feature rows hold NaN or infinite values; remove or fill them first")
    return rows


def _eight_bit(values: NDArray[Any]) -> NDArray[np.uint8]:
    kind = values.dtype.kind
    if values.dtype == np.uint8 or values.size == 0:
        return values.astype(np.uint8, copy=False)
    if kind not in "iuf":
        raise RequestError(f"images are {values.dtype}; expected uint8 0..255 or floats 0..1")
    low, high, top = values.min(), values.max(), 1 if kind == "f" else 255
    if not (low >= 0 and high <= top):
        way = "X.astype('uint8')" if kind == "f" and low >= 0 and high <= 255 else "rescale them"
        raise RequestError(
            f"{values.dtype} images have values from {low:g} to {high:g}; expected 0 to {top} "
            f"({'floats are 0..1' if kind == 'f' else 'pixels'}): {way}"
        )
    return np.rint(values * 255).astype(np.uint8) if kind == "f" else values.astype(np.uint8)


def _channels_first(values: NDArray[np.uint8], shape: tuple[int, ...]) -> NDArray[np.uint8]:
    channels, height, width = shape
    if values.shape[1:] == shape:
        return values
    if values.shape[1:] == (height, width, channels):
        return values.transpose(0, 3, 1, 2)
    if values.shape[1:] in ((height, width), (1, height, width)):
        values = values.reshape(len(values), height, width)
        return np.broadcast_to(values[:, None], (len(values), *shape))
    raise _wrong_shape(values.shape, shape)


def _wrong_shape(given: tuple[int, ...], shape: tuple[int, ...]) -> RequestError:
    if len(shape) == 1:
        return RequestError(f"samples of shape {given}; expected rows (N, {shape[0]})")
    c, h, w = shape
    hint = (
        "add an axis for one image: X[None]"
        if len(given) < 4
        else "pass paths or PIL images to resize"
    )
    return RequestError(
        f"images of shape {given}; expected (N, {c}, {h}, {w}), (N, {h}, {w}, {c}) "
        f"or (N, {h}, {w}); {hint}"
    )


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
    return values


def _is_tensor(given: Any) -> bool:
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(given, torch.Tensor)


def _is_picture(given: Any) -> bool:
    pillow = sys.modules.get("PIL.Image")
    return pillow is not None and isinstance(given, pillow.Image)
