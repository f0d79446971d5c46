"""Finding image files below a folder, through links, and naming everything else that is there."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

SUFFIXES = frozenset(
    (
        ".bmp", ".gif", ".jfif", ".jpe", ".jpeg", ".jpg", ".pgm", ".pjpeg", ".png", ".ppm",
        ".tif", ".tiff", ".webp",
    )
)  # fmt: skip


@dataclass(frozen=True)
class LeftOut:
    """Something in a folder that is not read as an image, and why.

    Attributes
    ----------
    path, reason
        What and why; files that are left out for one reason have one text.
    expected
        Whether nobody would miss it: a file whose name does not say that it is an image.
    """

    path: Path
    reason: str
    expected: bool = False


def is_hidden(name: str) -> bool:
    """Whether a file or folder of this name is a system's own."""
    return name.startswith((".", "__MACOSX")) or name in ("Thumbs.db", "desktop.ini")


def walk_images(folder: Path) -> Iterator[Path | LeftOut]:
    """Yield what is below a folder, a directory at a time, each sorted by name.

    An image is known by its suffix, in either case. Links to files and folders are followed, to
    each folder once; hidden files and folders are passed over.
    """
    yield from _walk(folder, frozenset((folder.resolve(),)))


def find_images(folder: Path) -> tuple[tuple[Path, ...], tuple[LeftOut, ...]]:
    """Return the image files below `folder`, at any depth, sorted; and what else is there."""
    found = list(walk_images(folder))
    return (
        tuple(sorted(entry for entry in found if isinstance(entry, Path))),
        tuple(entry for entry in found if isinstance(entry, LeftOut)),
    )


def why_no_image(path: Path) -> LeftOut | None:
    """Return why a file is not read as an image by its name; None where it is."""
    if path.is_symlink() and not path.exists():
        return LeftOut(path, "is a link to nothing")
    suffix = path.suffix.lower()
    if suffix in SUFFIXES:
        return None
    named = f"ends in {suffix}" if suffix else "has no suffix"
    return LeftOut(path, f"{named}; images end in {' '.join(sorted(SUFFIXES))}", expected=True)


def _walk(folder: Path, above: frozenset[Path]) -> Iterator[Path | LeftOut]:
    try:
        with os.scandir(folder) as entries:
            found = sorted((e for e in entries if not is_hidden(e.name)), key=lambda e: e.name)
            inside = [Path(e.path) for e in found if e.is_dir()]
            files = [Path(e.path) for e in found if not e.is_dir()]
    except OSError as error:
        yield LeftOut(folder, f"cannot be opened: {error.strerror}")
        return
    for path in files:
        yield why_no_image(path) or path
    for path in inside:
        real = path.resolve()
        if real in above:
            yield LeftOut(path, "is a link to a folder that it is in", expected=True)
        else:
            yield from _walk(path, above | {real})
