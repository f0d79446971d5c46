"""Test samples shown as small pictures."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pipelines.report.markup import Markup, element

_SIDE = 64


@dataclass(frozen=True, eq=False)
class SampleCard:
    """A picture with its caption.

    Attributes
    ----------
    pixels
        (C, H, W) uint8.
    title, note
        A line that stands out and a line below.
    alt
        What is shown, for those who do not see it.
    """

    pixels: NDArray[np.uint8]
    title: str
    note: str
    alt: str


def gallery(title: str, cards: Sequence[SampleCard]) -> Markup:
    """Return the cards side by side under a heading; nothing where there are none."""
    if not cards:
        return Markup("")
    shown = [
        element(
            "li",
            element("img", src=sample_uri(card.pixels), alt=card.alt, width=72, height=72),
            element("span", card.title, class_="card-title") if card.title else "",
            element("span", card.note, class_="card-note") if card.note else "",
        )
        for card in cards
    ]
    return element("div", element("h3", title), element("ul", *shown, class_="cards"))


def sample_uri(pixels: NDArray[np.uint8]) -> str:
    """Return an image as a data URI, brought to at most 64 pixels a side.

    Small images are kept pixel by pixel (PNG); larger ones become JPEG. Other than one or
    three channels, the first is shown.
    """
    colour = len(pixels) == 3
    image = Image.fromarray(
        np.ascontiguousarray(pixels.transpose(1, 2, 0) if colour else pixels[0])
    )
    small = max(image.size) <= _SIDE
    if not small:
        image.thumbnail((_SIDE, _SIDE), Image.Resampling.LANCZOS)
    kind = "PNG" if small else "JPEG"
    return data_uri(image, kind)


def data_uri(image: Image.Image, kind: str = "PNG") -> str:
    """Return an image as a data URI."""
    buffer = io.BytesIO()
    image.save(buffer, kind, optimize=True)
    text = base64.b64encode(buffer.getvalue()).decode("ascii")
    return f"data:image/{kind.lower()};base64,{text}"
