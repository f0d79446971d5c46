"""Bodies of requests → samples: images as multipart or base64, or arrays as JSON."""

from __future__ import annotations

import base64
import binascii
import io
import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from PIL import Image
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import Request

from ensemble.description import Description
from ensemble.reading.arrays import Samples, as_samples
from ensemble.reading.inputs import decode_sample
from ensemble.storage.sealed import parse_json
from ensemble.web.limits import Limits
from pruning.core.errors import RequestError
from pruning.samples.images import FORMATS

MULTIPART, JSON = "multipart/form-data", "application/json"

LARGE_BYTES, LARGE_PIXELS = 2**18, 2**20
"""Of a request that is decoded beside the small ones."""

TIMES_TOGETHER = 4
"""Times the pixels of one image that all of a request may have."""

A_FEW = 100
"""Marks of JSON that any request may have."""

MOST_FIELDS = 8
"""Form fields that are no files; all of them are refused, by name."""


@dataclass(frozen=True)
class ImageFile:
    """An uploaded image file: its name, its bytes, and how many pixels it says it has."""

    name: str
    data: bytes
    pixels: int = 0


@dataclass(frozen=True)
class Upload:
    """What a request asks about: image files, the JSON of arrays, or JSON not read yet."""

    images: tuple[ImageFile, ...] = ()
    array: Sequence[object] = ()
    body: bytes = b""

    @property
    def large(self) -> bool:
        """Whether it may take long to read: of many bytes, or many pixels."""
        size = len(self.body) + sum(len(image.data) for image in self.images)
        return size > LARGE_BYTES or sum(image.pixels for image in self.images) > LARGE_PIXELS


async def read_upload(request: Request, limits: Limits) -> Upload:
    """Return what a request holds, nothing decoded yet.

    Raises
    ------
    HTTPException
        415 for another content type; 413 and 408 by the limits.
    RequestError
        If the body is not what its content type says.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == MULTIPART:
        return await _multipart(request, limits)
    if kind == JSON:
        return Upload(body=await request.body())
    raise HTTPException(415, f"content type {kind[:80]!r}; send {MULTIPART} or {JSON}")


def opened(upload: Upload, about: Description, limits: Limits) -> Upload:
    """Return an upload with its JSON read and its images' headers; not on the event loop.

    Raises
    ------
    RequestError
        If there is too much of anything, or an image is none.
    """
    if upload.body:
        upload = _json(upload.body, about, limits)
    images = tuple(_measured(file, about, limits) for file in upload.images)
    pixels, most = sum(image.pixels for image in images), TIMES_TOGETHER * limits.pixels
    if pixels > most:
        raise RequestError(f"the images have {pixels} pixels together; allowed are {most}")
    return Upload(images, upload.array)


def decode_upload(upload: Upload, about: Description, limits: Limits) -> Samples:
    """Return the samples of an opened upload, (n, *shape); not on the event loop.

    Raises
    ------
    RequestError
        If an image cannot be read, all of them take too long, or an array has the wrong shape
        or scale.
    """
    shape, reading = about.input_shape, about.scaling.reading
    if upload.images:
        end = time.monotonic() + limits.seconds
        return np.concatenate([_picture(file, about, limits, end) for file in upload.images])
    if not 1 <= len(upload.array) <= limits.samples:
        raise RequestError(f"samples must be 1 to {limits.samples}")
    if not _all_numbers(upload.array):
        raise RequestError("samples hold other values than numbers; expected lists of numbers")
    try:
        values = np.array(upload.array)
    except ValueError as error:
        raise RequestError("samples are no array; expected lists of one shape") from error
    return as_samples(values, shape, reading)


def _all_numbers(values: Sequence[object]) -> bool:
    """Whether lists in lists hold numbers alone: NumPy gives each text the longest one's room."""
    return all(
        _all_numbers(value) if isinstance(value, list) else isinstance(value, int | float)
        for value in values
    )


def _measured(file: ImageFile, about: Description, limits: Limits) -> ImageFile:
    """Return an image file with its number of pixels, which its header says."""
    shape = about.input_shape
    if len(shape) != 3:
        raise RequestError(f"this ensemble reads rows of {shape[0]} features; send 'samples'")
    try:
        with Image.open(io.BytesIO(file.data), formats=FORMATS) as image:
            width, height = image.size
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise RequestError(f"{file.name!r} has more than {limits.pixels} pixels") from error
    except Exception as error:  # Pillow's readers raise whatever a broken file makes them
        raise RequestError(f"{file.name!r} is not an image") from error
    if width * height > limits.pixels:
        raise RequestError(
            f"{file.name!r} has {width}×{height} pixels; allowed are {limits.pixels}"
        )
    return replace(file, pixels=width * height)


def _picture(file: ImageFile, about: Description, limits: Limits, end: float) -> Samples:
    if time.monotonic() > end:
        raise RequestError(
            f"the images take more than {limits.seconds:g} s; send fewer, or smaller"
        )
    try:
        return decode_sample(io.BytesIO(file.data), about.input_shape, about.scaling.reading)
    except RequestError as error:
        raise RequestError(f"{file.name!r}: {error}") from error


async def _multipart(request: Request, limits: Limits) -> Upload:
    await request.body()
    images = []
    async with request.form(max_files=limits.samples, max_fields=MOST_FIELDS) as form:
        for key, value in form.multi_items():
            if key != "image" or not isinstance(value, UploadFile):
                raise RequestError(f"field {key[:80]!r}; send the files as 'image'")
            name = (value.filename or "image")[:200]
            images.append(ImageFile(name, await value.read()))
    if not images:
        raise RequestError("no file; send at least one as 'image'")
    return Upload(images=tuple(images))


def _json(body: bytes, about: Description, limits: Limits) -> Upload:
    _check_counts(body, about, limits)
    content = parse_json(body, "the request")
    if set(content) == {"samples"} and isinstance(content["samples"], list):
        return Upload(array=content["samples"])
    texts = content.get("images")
    if set(content) != {"images"} or not isinstance(texts, list):
        raise RequestError("expected an object with a list 'images' (base64) or 'samples'")
    if not 1 <= len(texts) <= limits.samples or not all(isinstance(t, str) for t in texts):
        raise RequestError(f"images must be 1 to {limits.samples} base64 texts")
    try:
        files = [base64.b64decode(text, validate=True) for text in texts]
    except (binascii.Error, ValueError) as error:
        raise RequestError(f"an image is not base64: {error}") from error
    return Upload(tuple(ImageFile(f"images[{i}]", data) for i, data in enumerate(files)))


def _check_counts(body: bytes, about: Description, limits: Limits) -> None:
    """Refuse JSON of more values than the largest request has, before any of them is made."""
    numbers = limits.samples * math.prod(about.input_shape)
    most = {b",": numbers, b"[": 2 * numbers, b"{": 0, b'"': 2 * limits.samples}
    if any(body.count(mark) > allowed + A_FEW for mark, allowed in most.items()):
        raise RequestError(
            f"the request's JSON holds more than 1 to {limits.samples} images, or samples: "
            f"expected lists of numbers of shape {about.input_shape}"
        )
