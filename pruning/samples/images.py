"""Image files as arrays: reading their headers, decoding them to one shape.

The only place that opens an image. It needs Pillow and NumPy, nothing else of the project
but its errors.
"""

from __future__ import annotations

import contextlib
import os
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, ParamSpec, TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError
from PIL.ImageFile import ImageFile

from pruning.core.errors import RequestError
from pruning.samples.reading import Fit

#: Pillow's readers for `finding.SUFFIXES`; others, such as EPS, run programs of their own.
FORMATS = ("BMP", "GIF", "JPEG", "PNG", "PPM", "TIFF", "WEBP")
DEEP_WHITE = 65535.0
"""A white pixel of 16 bits."""

FEW_PIXELS, MOST_PER_BYTE = 2**22, 64
"""Pixels that any file may have; for each of its bytes that a larger image may."""

_GREY = frozenset(("1", "L", "LA", "La", "I"))
_ALPHA = frozenset(("RGBA", "RGBa", "LA", "La", "PA"))
_ORIENTATION, _UPRIGHT = 0x0112, 1
_SIDEWAYS = frozenset((5, 6, 7, 8))
#: Decoding a smaller image is mostly Python's work, which threads only slow down.
_WORTH_A_THREAD = 128 * 128
#: Images handed to the threads at a time, so that an interrupt is heard.
_BLOCK = 256

Pixels = NDArray[np.uint8] | NDArray[np.float32]
Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")


@dataclass(frozen=True)
class ImageHeader:
    """What a file says of its image.

    Attributes
    ----------
    height, width
        In pixels, upright.
    grey
        Whether it has no colour.
    deep
        Whether its pixels have 16 bits.
    narrowed
        Whether they have, and Pillow reads 8 of them: those of colour images.
    """

    height: int
    width: int
    grey: bool
    deep: bool = False
    narrowed: bool = False


@dataclass(frozen=True)
class Unreadable:
    """Why a file is not an image we can read."""

    reason: str


def read_headers(paths: Sequence[Path]) -> list[ImageHeader | Unreadable]:
    """Return each file's header, without decoding its pixels."""
    with _pillow_warnings():
        return [_attempt(_header, path) for path in paths]


def decode_image(
    source: Path | BinaryIO | Image.Image,
    shape: tuple[int, ...],
    fit: Fit = "cut",
    *,
    deep: bool = False,
) -> Pixels:
    """Return one image as (C, H, W), brought to `shape`.

    The image is turned upright (EXIF), laid on white where it is transparent, brought to
    H × W (bicubic), and made grey (C = 1) or RGB (C = 3). One that has the size already keeps
    its pixels. Of several frames the first is taken.

    Parameters
    ----------
    source
        A file's path, an open binary file, or a Pillow image, which is left as it is.
    shape
        (C, H, W) with C 1 or 3.
    fit
        ``"cut"``: scaled until it just covers H × W, then cut to its centre; ``"stretch"``:
        scaled to H × W, whatever becomes of its proportions; ``"pad"``: scaled until it just
        fits in, the rest black.
    deep
        Return float32 in 0..65535, in which 16 bits keep their values and 8 are spread; else
        uint8, in which 16 bits keep their upper 8.

    Raises
    ------
    RequestError
        When it is not an image, is cut short, or has more pixels than
        ``PIL.Image.MAX_IMAGE_PIXELS``.

    >>> import io
    >>> file = io.BytesIO()
    >>> Image.new("RGB", (40, 20), "red").save(file, "png")
    >>> decode_image(file, (3, 1, 2)).tolist()
    [[[255, 255]], [[0, 0]], [[0, 0]]]
    """
    with _pillow_warnings():
        image = _attempt(_decode, source, shape, fit, deep)
    if isinstance(image, Unreadable):
        name = source if isinstance(source, Path) else "the image"
        raise RequestError(f"{name} cannot be read as an image: {image.reason}")
    return image


def decode_images(
    paths: Sequence[Path], out: Pixels, *, source_pixels: float, fit: Fit = "cut"
) -> dict[int, str]:
    """Decode ``paths[i]`` into ``out[i]`` as `decode_image` would.

    Returns the rows that failed, with why.

    Parameters
    ----------
    paths
        N files.
    out
        (N, C, H, W) uint8, or float32 for 16 bits, written in place; rows of failed files are
        left as they were.
    source_pixels
        Typical pixels of a file: large images are decoded in several threads.
    fit
        As in `decode_image`.
    """

    def decode_into(row: int) -> Unreadable | None:
        image = _attempt(_decode, paths[row], out.shape[1:], fit, out.dtype == np.float32)
        if isinstance(image, Unreadable):
            return image
        out[row] = image
        return None

    rows = range(len(paths))
    threads = (os.cpu_count() or 1) if source_pixels >= _WORTH_A_THREAD else 1
    with _pillow_warnings():
        if threads == 1:
            return _failed(map(decode_into, rows))
        with ThreadPoolExecutor(threads) as pool:
            blocks = (rows[start : start + _BLOCK] for start in rows[::_BLOCK])
            return _failed(outcome for block in blocks for outcome in pool.map(decode_into, block))


def _failed(outcomes: Iterable[Unreadable | None]) -> dict[int, str]:
    return {row: failed.reason for row, failed in enumerate(outcomes) if failed is not None}


def _attempt(
    read: Callable[Arguments, Result], *args: Arguments.args, **kwargs: Arguments.kwargs
) -> Result | Unreadable:
    try:
        return read(*args, **kwargs)
    except UnidentifiedImageError:
        return Unreadable("no image format that Pillow knows")
    except FileNotFoundError:
        return Unreadable("no such file; give the path of one that is there")
    except Exception as error:  # Pillow's readers raise whatever a broken file makes them
        return Unreadable((str(error).splitlines() or [type(error).__name__])[0])


def _header(path: Path) -> ImageHeader:
    _check_ordinary(path)
    with Image.open(path, formats=FORMATS) as image:
        width, height = image.size
        if _orientation(image) in _SIDEWAYS:
            width, height = height, width
        mode = image.mode.split(";")[0]
        return ImageHeader(
            height, width, mode in _GREY, mode == "I", _sixteen_bit(image) and mode != "I"
        )


def _sixteen_bit(image: ImageFile) -> bool:
    """Whether the file's pixels have 16 bits, of which Pillow may read 8."""
    arguments = image.tile[0].args if image.tile else ()
    raw = arguments if isinstance(arguments, str) else (arguments or ("",))[0]
    return ";16" in str(raw)


def _decode(
    source: Path | BinaryIO | Image.Image, shape: tuple[int, ...], fit: Fit, deep: bool
) -> Pixels:
    if isinstance(source, Image.Image):
        return _pixels(source, shape, fit, deep)
    if isinstance(source, Path):
        _check_ordinary(source)
    with Image.open(source, formats=FORMATS) as opened:
        side = 2 * max(shape[1:])
        opened.draft(None, (side, side))  # a JPEG much too large is decoded at a fraction
        _check_pixels(opened, source)
        return _pixels(opened, shape, fit, deep)


def _check_pixels(image: Image.Image, source: Path | BinaryIO) -> None:
    """Refuse, before it is decoded, a tiny file that says it is a huge image."""
    size = source.stat().st_size if isinstance(source, Path) else _bytes_in(source)
    pixels, most = image.width * image.height, max(FEW_PIXELS, MOST_PER_BYTE * size)
    if pixels > most:
        raise ValueError(
            f"{size:,} bytes say they are {image.width}×{image.height} pixels; allowed are "
            f"{most:,} pixels ({MOST_PER_BYTE} a byte, {FEW_PIXELS:,} at the least); save it with "
            "less compression"
        )


def _bytes_in(file: BinaryIO) -> int:
    here = file.tell()
    size = file.seek(0, os.SEEK_END)
    file.seek(here)
    return size


def _check_ordinary(path: Path) -> None:
    """Refuse a pipe or a device, which would be waited for, or read without end."""
    if path.exists() and not path.is_file():
        raise ValueError("is no ordinary file")


def _pixels(given: Image.Image, shape: tuple[int, ...], fit: Fit, deep: bool) -> Pixels:
    channels, height, width = shape
    upright = _orientation(given) == _UPRIGHT
    image = given if upright else ImageOps.exif_transpose(given)
    planes = [_sixteen_bits(image)] if deep and image.mode.startswith("I") else []
    if not planes:
        plain = _eight_bit(image).convert("L" if channels == 1 else "RGB")
        # a band at a time where numbers go beyond 8 bits: Pillow resizes no others
        planes = [band.convert("F") for band in plain.split()] if deep else [plain]
        planes = [band.point(lambda value: value * 257) for band in planes] if deep else planes
    fitted = [np.asarray(_fit(plane, (width, height), fit)) for plane in planes]
    if not deep:
        pixels = fitted[0].reshape(height, width, channels)
        return np.ascontiguousarray(pixels.transpose(2, 0, 1))
    stacked = np.stack(fitted).clip(0, DEEP_WHITE)
    return np.ascontiguousarray(np.broadcast_to(stacked, shape), np.float32)


def _fit(image: Image.Image, size: tuple[int, int], fit: Fit) -> Image.Image:
    """Bring an image to a size (width, height); one that has it keeps its pixels."""
    if image.size == size:
        return image
    if fit == "stretch":
        return image.resize(size, Image.Resampling.BICUBIC)
    if fit == "pad":
        return ImageOps.pad(image, size, Image.Resampling.BICUBIC)
    return ImageOps.fit(image, size, Image.Resampling.BICUBIC)


def _orientation(image: Image.Image) -> int:
    # Pillow turns a TIFF itself; the other two have told on opening, and a PNG that is
    # asked decodes all its pixels first
    told = image.format in ("JPEG", "PNG") and "exif" not in image.info
    if told or image.format == "TIFF":
        return _UPRIGHT
    return int(image.getexif().get(_ORIENTATION, _UPRIGHT))


def _sixteen_bits(image: Image.Image) -> Image.Image:
    """Return deep greys as floats in 0..65535."""
    values = np.asarray(image)
    if values.size and (values.min() < 0 or values.max() > DEEP_WHITE):
        raise ValueError("pixels of more than 16 bits; allowed 8 or 16")
    return Image.fromarray(values.astype(np.float32))


def _eight_bit(image: Image.Image) -> Image.Image:
    """Bring deep greys to 8 bits, and lay what is transparent on white."""
    if image.mode.startswith("I"):
        return Image.fromarray((np.asarray(_sixteen_bits(image)) // 256).astype(np.uint8))
    if image.mode == "F":
        raise ValueError("floating-point pixels; allowed 8 or 16 bits")
    if image.mode in _ALPHA or "transparency" in image.info:
        white = Image.new("RGBA", image.size, "white")
        white.alpha_composite(image.convert("RGBA"))
        return white
    return image


@contextlib.contextmanager
def _pillow_warnings() -> Iterator[None]:
    """Make Pillow's warning of a huge image an error, and keep its others to itself.

    Entered once around many images: warning filters are shared by all threads.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        yield
