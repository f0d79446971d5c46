"""Image files as arrays: finding them, reading their headers, decoding them to one shape.

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

from pruning.core.errors import RequestError

SUFFIXES = frozenset(
    (".bmp", ".gif", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp")
)
#: Pillow's readers for these suffixes; others, such as EPS, run programs of their own.
FORMATS = ("BMP", "GIF", "JPEG", "PNG", "PPM", "TIFF", "WEBP")
_GREY = frozenset(("1", "L", "LA", "La", "I"))
_ALPHA = frozenset(("RGBA", "RGBa", "LA", "La", "PA"))
_ORIENTATION, _UPRIGHT = 0x0112, 1
_SIDEWAYS = frozenset((5, 6, 7, 8))
#: Decoding a smaller image is mostly Python's work, which threads only slow down.
_WORTH_A_THREAD = 128 * 128
#: Images handed to the threads at a time, so that an interrupt is heard.
_BLOCK = 256

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")


@dataclass(frozen=True)
class ImageHeader:
    """What a file says of its image: size in pixels, upright, and whether it has no colour."""

    height: int
    width: int
    grey: bool


@dataclass(frozen=True)
class Unreadable:
    """Why a file is not an image we can read."""

    reason: str


def find_images(folder: Path) -> tuple[Path, ...]:
    """Return the image files under `folder`, at any depth, sorted.

    An image is known by its suffix, in either case; hidden files and folders are left out.
    """
    files = (path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES)
    depth = len(folder.parts)
    return tuple(
        sorted(p for p in files if not any(map(is_hidden, p.parts[depth:])) and p.is_file())
    )


def is_hidden(name: str) -> bool:
    """Whether a file or folder of this name is a system's own."""
    return name.startswith((".", "__MACOSX"))


def read_headers(paths: Sequence[Path]) -> list[ImageHeader | Unreadable]:
    """Return each file's header, without decoding its pixels."""
    with _pillow_warnings():
        return [_attempt(_header, path) for path in paths]


def decode_image(
    source: Path | BinaryIO | Image.Image, shape: tuple[int, ...]
) -> NDArray[np.uint8]:
    """Return one image as (C, H, W) uint8, brought to `shape`.

    The image is turned upright (EXIF), laid on white where it is transparent, scaled
    (bicubic) until it just covers H × W, cut to its centre, and made grey (C = 1) or RGB
    (C = 3). One that has the size already keeps its pixels. 16-bit grey keeps its upper
    8 bits; of several frames the first is taken.

    Parameters
    ----------
    source
        A file's path, an open binary file, or a Pillow image, which is left as it is.
    shape
        (C, H, W) with C 1 or 3.

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
        image = _attempt(_decode, source, shape)
    if isinstance(image, Unreadable):
        name = source if isinstance(source, Path) else "the image"
        raise RequestError(f"{name} cannot be read as an image: {image.reason}")
    return image


def decode_images(
    paths: Sequence[Path], out: NDArray[np.uint8], *, source_pixels: float
) -> dict[int, str]:
    """Decode ``paths[i]`` into ``out[i]`` as `decode_image` would.

    Returns the rows that failed, with why.

    Parameters
    ----------
    paths
        N files.
    out
        (N, C, H, W) uint8, written in place; rows of failed files are left as they were.
    source_pixels
        Typical pixels of a file: large images are decoded in several threads.
    """

    def decode_into(row: int) -> Unreadable | None:
        image = _attempt(_decode, paths[row], out.shape[1:])
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
    except Exception as error:  # Pillow's readers raise whatever a broken file makes them
        return Unreadable((str(error).splitlines() or [type(error).__name__])[0])


def _header(path: Path) -> ImageHeader:
    with Image.open(path, formats=FORMATS) as image:
        width, height = image.size
        if _orientation(image) in _SIDEWAYS:
            width, height = height, width
        return ImageHeader(height, width, image.mode.split(";")[0] in _GREY)


def _decode(source: Path | BinaryIO | Image.Image, shape: tuple[int, ...]) -> NDArray[np.uint8]:
    if isinstance(source, Image.Image):
        return _fit(source, shape)
    with Image.open(source, formats=FORMATS) as opened:
        side = 2 * max(shape[1:])
        opened.draft(None, (side, side))  # a JPEG much too large is decoded at a fraction
        return _fit(opened, shape)


def _fit(given: Image.Image, shape: tuple[int, ...]) -> NDArray[np.uint8]:
    channels, height, width = shape
    upright = _orientation(given) == _UPRIGHT
    image = given if upright else ImageOps.exif_transpose(given)
    image = _eight_bit(image).convert("L" if channels == 1 else "RGB")
    if image.size != (width, height):
        image = ImageOps.fit(image, (width, height), Image.Resampling.BICUBIC)
    pixels = np.asarray(image).reshape(height, width, channels)
    return np.ascontiguousarray(pixels.transpose(2, 0, 1))


def _orientation(image: Image.Image) -> int:
    # Pillow turns a TIFF itself; the other two have told on opening, and a PNG that is
    # asked decodes all its pixels first
    told = image.format in ("JPEG", "PNG") and "exif" not in image.info
    if told or image.format == "TIFF":
        return _UPRIGHT
    return int(image.getexif().get(_ORIENTATION, _UPRIGHT))


def _eight_bit(image: Image.Image) -> Image.Image:
    """Bring deep greys to 8 bits, and lay what is transparent on white."""
    if image.mode.startswith("I"):
        values = np.asarray(image)
        if values.size and (values.min() < 0 or values.max() > 0xFFFF):
            raise ValueError("pixels of more than 16 bits; allowed 8 or 16")
        return Image.fromarray((values >> 8).astype(np.uint8))
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
