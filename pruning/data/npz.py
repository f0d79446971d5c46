"""An ``.npz`` file with ``X`` (images or feature rows) and ``y`` (labels)."""

from __future__ import annotations

import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pruning.core.errors import RequestError
from pruning.data.raw import Array, Encoded, RawData, encode

_MOST_CHANNELS = 4
Given = NDArray[Any]


def read_npz(path: Path) -> RawData:
    """Read and check the arrays; objects (pickles) are refused.

    ``X`` is one of

    - images (N, H, W), (N, H, W, C) or (N, C, H, W) with at most 4 channels and sides
      longer than 4: uint8 or other integers in 0..255, or floats in [0, 1], which are
      multiplied by 255 and rounded;
    - feature rows (N, F): any real numbers, kept as float32.

    ``y`` is (N,) integers or strings.

    Raises
    ------
    RequestError
        For a missing array, a wrong shape, type or range, NaN or infinity.
    """
    arrays = _arrays(path)
    X, y = arrays["X"], arrays["y"]
    if X.ndim == 0 or len(X) == 0 or y.shape != (len(X),):
        raise RequestError(
            f"{path}: X has shape {X.shape} and y {y.shape}; allowed N samples and (N,) labels"
        )
    if X.dtype.kind not in "buif" or (X.dtype.kind == "b" and X.ndim != 2):
        raise RequestError(f"{path}: X has type {X.dtype}; allowed integers and floats")
    _check_finite(path, X)
    if X.ndim not in (2, 3, 4) or 0 in X.shape:
        raise RequestError(
            f"{path}: X has shape {X.shape}; allowed (N, F), (N, H, W), (N, H, W, C), (N, C, H, W)"
        )
    labels, classes = _labels(path, y)
    samples: Array = _rows(path, X) if X.ndim == 2 else _images(path, X)
    return RawData(samples, labels, classes)


def _arrays(path: Path) -> dict[str, Given]:
    try:
        with path.open("rb") as stream:
            file = np.load(stream, allow_pickle=False)
            if not isinstance(file, np.lib.npyio.NpzFile):
                raise RequestError(f"{path} is a single array; allowed an .npz with X and y")
            if absent := {"X", "y"} - set(file.files):
                raise RequestError(
                    f"{path} has no array {' and no '.join(sorted(absent))}; found "
                    f"{', '.join(sorted(file.files)) or 'none'}: save it with "
                    "numpy.savez(path, X=images, y=labels)"
                )
            return {name: file[name] for name in ("X", "y")}
    except RequestError:
        raise
    except (ValueError, OSError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        reason = "it holds Python objects" if "allow_pickle" in str(error) else str(error)
        raise RequestError(
            f"{path} cannot be read as an .npz of plain arrays: {reason.splitlines()[0]}"
        ) from error


def _labels(path: Path, y: Given) -> Encoded:
    if y.dtype.kind == "U":
        return encode(y)
    if y.dtype.kind not in "iu" or y.max() > np.iinfo(np.int64).max:
        raise RequestError(f"{path}: y has type {y.dtype}; allowed integers (int64) or strings")
    return encode(y.astype(np.int64))


def _check_finite(path: Path, X: Given) -> None:
    if X.dtype.kind != "f":
        return
    bad = ~np.isfinite(X.reshape(len(X), -1)).all(axis=1)
    if bad.any():
        raise RequestError(
            f"{path}: {bad.sum()} of {len(X)} samples of X hold NaN or infinity, the first is "
            f"sample {int(bad.argmax())}; allowed finite numbers: fill them in or leave them out"
        )


def _rows(path: Path, X: Given) -> NDArray[np.float32]:
    with np.errstate(over="ignore"):
        rows = X.astype(np.float32)
    if not np.isfinite(rows).all():
        raise RequestError(f"{path}: X reaches {np.abs(X).max():g}; allowed what float32 holds")
    return rows


def _images(path: Path, X: Given) -> NDArray[np.uint8]:
    images = _channels_first(path, X)
    if X.dtype == np.uint8:
        return np.ascontiguousarray(images)
    low, high = X.min(), X.max()
    if X.dtype.kind == "f":
        if low < 0 or high > 1:
            raise RequestError(
                f"{path}: X has float images in [{low:g}, {high:g}]; allowed [0, 1], or uint8 "
                "in 0..255"
            )
        images = np.rint(images * images.dtype.type(255))
    elif low < 0 or high > 255:
        raise RequestError(f"{path}: X has images in [{low}, {high}]; allowed 0..255")
    return np.ascontiguousarray(images, dtype=np.uint8)


def _channels_first(path: Path, X: Given) -> Given:
    if X.ndim == 3:
        return X[:, None]
    first, last = X.shape[1] <= _MOST_CHANNELS, X.shape[3] <= _MOST_CHANNELS
    if first == last:
        raise RequestError(
            f"{path}: X has shape {X.shape}, in which {'either' if first else 'neither'} axis "
            f"could be 1 to {_MOST_CHANNELS} channels; allowed (N, C, H, W) and (N, H, W, C)"
        )
    return X if first else X.transpose(0, 3, 1, 2)
