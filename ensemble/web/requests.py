"""Bodies of requests → samples: images as multipart or base64, or arrays as JSON."""

from __future__ import annotations

import base64
import binascii
import io
from collections.abc import Sequence
from dataclasses import dataclass

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

MOST_FIELDS = 8
"""Form fields that are no files; all of them are refused, by name."""


@dataclass(frozen=True)
class ImageFile:
    """An uploaded image file: its name and its bytes."""

    name: str
    data: bytes


@dataclass(frozen=True)
class Upload:
    """What a request asks about: image files, or the JSON of an array, never both."""

    images: tuple[ImageFile, ...] = ()
    array: Sequence[object] = ()


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
        return _json(await request.body(), limits)
    raise HTTPException(415, f"content type {kind[:80]!r}; send {MULTIPART} or {JSON}")


def decode_upload(upload: Upload, about: Description, limits: Limits) -> Samples:
    """Return the samples of an upload, (n, *shape); it may take long: not on the event loop.

    Raises
    ------
    RequestError
        If an image is too large or cannot be read, or an array has the wrong shape or scale.
    """
    shape, reading = about.input_shape, about.scaling.reading
    if upload.images:
        return np.concatenate([_picture(file, about, limits) for file in upload.images])
    if not 1 <= len(upload.array) <= limits.samples:
        raise RequestError(f"samples must be 1 to {limits.samples}")
    try:
        values = np.array(upload.array)
    except ValueError as error:
        raise RequestError("samples are no array; expected lists of one shape") from error
    return as_samples(values, shape, reading)  # texts are refused here, never opened as paths


def _picture(file: ImageFile, about: Description, limits: Limits) -> Samples:
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
    try:
        return decode_sample(io.BytesIO(file.data), shape, about.scaling.reading)
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


def _json(body: bytes, limits: Limits) -> Upload:
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
