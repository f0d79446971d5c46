"""Which data are read, as a value; nothing is read to say it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from pruning.core.errors import RequestError
from pruning.core.option_checks import check_options
from pruning.core.options import RegistryNames, option


def read_size(given: int | str | Sequence[Any]) -> dict[str, int | None]:
    """Return the fields that an image size sets: a side, or HEIGHTxWIDTH.

    >>> read_size("64x400"), read_size(64)
    ({'image_size': 64, 'image_width': 400}, {'image_size': 64, 'image_width': None})
    """
    words = [given] if isinstance(given, int | str) else list(given)
    sides = re.split("[x×,]", str(words[-1]).lower()) if len(words) == 1 else list(map(str, words))
    if not 1 <= len(sides) <= 2 or not all(side.strip().isdecimal() for side in sides):
        shown = " ".join(map(str, words))
        raise RequestError(
            f"`image_size` {shown!r}: allowed a side in pixels, 64, or HEIGHTxWIDTH, 64x400"
        )
    height, *width = map(int, sides)
    return {"image_size": height, "image_width": width[0] if width else None}


@dataclass(frozen=True)
class DataConfig:
    """Which data; see `pruning.data.load.load_splits`."""

    data: str = option(
        "digits",
        "A known data set, a folder with a folder per class, or an .npz with X and y.",
        names=RegistryNames("pruning.data.sources:SOURCES", package="pruning.data.sources"),
        open=True, metavar="NAME|PATH",
    )  # fmt: skip
    data_dir: str | None = option(
        None, "Where the files of a known data set are, or go.", unset="data", metavar="DIR"
    )
    image_size: int | None = option(
        None, "Pixels to which the images of a folder are brought: a side, or HEIGHTxWIDTH.",
        least=1, unset="as the images are, or 64", metavar="N|HxW",
        read=read_size, write=lambda data: data.size_words,
    )  # fmt: skip
    image_width: int | None = option(
        None, "Width, where it is not the height.", least=1, flag=None, before=None
    )
    fit: Literal["auto", "cut", "stretch", "pad"] = option(
        "auto",
        "How images of another shape are brought to that size: their sides cut off, stretched, or "
        "padded with black; auto cuts where half of each stays, and pads else.",
        before="auto",
    )
    axes: Literal["auto", "NHW", "NCHW", "NHWC", "NCT", "NTC"] = option(
        "auto",
        "What the axes of arrays are: samples N, channels C, height H, width W, time T; auto takes "
        "three for NHW, and finds the channels of four.",
        before="auto",
    )
    groups: str | None = option(
        None,
        "File with the group of each sample, such as its patient: a line a sample, or PATH,GROUP a "
        "line for images, or .npy. Samples of one group stay in one part.",
        unset="the array groups of an .npz, if it has one", metavar="FILE", before=None,
    )  # fmt: skip
    limit: int | None = option(
        None, "Use at most this many training, validation and selection samples together.",
        least=1, unset="all",
    )  # fmt: skip

    def __post_init__(self) -> None:
        check_options(self)

    @property
    def size(self) -> tuple[int, int] | None:
        """(H, W) to which images are brought; None where nothing is asked."""
        if self.image_size is None:
            return None
        return self.image_size, self.image_width or self.image_size

    @property
    def size_words(self) -> tuple[str, ...]:
        """What `read_size` makes these fields of again."""
        if self.size is None:
            return ()
        height, width = self.size
        return (f"{height}" if height == width else f"{height}x{width}",)
