"""Numbers that others published, with their source."""

from __future__ import annotations

import functools
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_FOLDER = Path(__file__).parent


@dataclass(frozen=True)
class PublishedCurve:
    """A curve as it was published.

    Attributes
    ----------
    remaining
        Shares of the units.
    accuracy
        On the test part, the mean over the published runs.
    reading_error
        How far off a value may be that was read off a picture; 0 where it is a stored number.
    """

    remaining: tuple[float, ...]
    accuracy: tuple[float, ...]
    reading_error: tuple[float, ...]


def published_curve(figure: str, name: str) -> PublishedCurve:
    """Return a curve of a published figure or table.

    >>> published_curve("figure 18", "0.9").remaining
    (1.0, 0.1)
    """
    found = _figures()[figure]["curves"][name]
    shares, errors = tuple(found["remaining"]), tuple(found["reading_error"])
    return PublishedCurve(
        shares, tuple(found["accuracy"]), errors * len(shares) if len(errors) == 1 else errors
    )


@functools.cache
def _figures() -> dict[str, Any]:
    files = [json.loads(path.read_text(encoding="utf-8")) for path in _FOLDER.glob("*.json")]
    return {name: figure for content in files for name, figure in content["figures"].items()}
