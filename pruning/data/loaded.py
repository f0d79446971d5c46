"""What loading a data set returns."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pruning.data.splits import Splits
from pruning.samples.finding import LeftOut


@dataclass(frozen=True)
class SkippedFile:
    """A file that could not be read as an image, and why."""

    path: Path
    reason: str


@dataclass(frozen=True)
class Loaded:
    """The parts of a data set, and the files that are in none of them.

    Attributes
    ----------
    splits
        The parts.
    skipped
        Unreadable images, sorted by path; the caller shows them.
    left_out
        What else was found among the images; the caller shows it, too.
    """

    splits: Splits
    skipped: tuple[SkippedFile, ...] = ()
    left_out: tuple[LeftOut, ...] = ()
