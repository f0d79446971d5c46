"""Which files a run holds, each by its checksum: ``files.json``, which binds them to the run.

``config.json`` is the root: it is written once, and carries the checksum of its own content.
``files.json`` names that checksum, and the SHA-256 of every other file that a command wrote
whole. A file is named before it is replaced, beside the one that stood there: whenever a
process is killed, what stands is named. Runs of version 1 have no such file.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from ensemble.storage.fields import Fields
from ensemble.storage.folder import INT8, ONNX
from ensemble.storage.regular import read_regular
from ensemble.storage.sealed import (
    canonical_json,
    seal,
    sha256_of,
    unseal,
    write_json_atomic,
)
from pruning.core.errors import RequestError

CONFIG = "config.json"
CONTENTS = "files.json"
CHOICE = "choice.json"
"""The root of a choice from predictions; names the model that `ensemble combine` made with it."""

RUN_FORMAT = 2
"""Of ``config.json`` and ``files.json``; 2 since files are bound to their run."""

MOST_VERSIONS = 100
"""Checksums of one file: one more for each killed writer."""

LARGEST = 2**28
"""Bytes of ``config.json`` and of ``files.json``."""

LARGEST_PRODUCT = 2**31
"""Bytes of what a product is known by: ``ensemble.json``, or an exported file."""

MOST_BYTES = 2**40
"""Of any other file."""

PRODUCTS = {
    "ensemble": ("ensemble/ensemble.json", "give the `ensemble build` command again"),
    ONNX: (ONNX, "give the `ensemble export` command again"),
    INT8: (INT8, "give the `ensemble export` command again"),
}
"""What of a run predicts: the file that it is known by, and how it is made again."""

TRIES = 5
"""How often a file is read again that a writer may have replaced meanwhile."""


@dataclass(frozen=True)
class Contents:
    """What the files of a run are known by.

    Attributes
    ----------
    run
        Checksum of the content of ``config.json``.
    version
        Of the run: in version 1, a file that is not named may still be the run's own.
    files
        Path below the run → the SHA-256 that the file may have: one, or more where a writer
        was killed.
    """

    run: str
    version: int
    files: Mapping[str, tuple[str, ...]]

    @classmethod
    def of(cls, folder: Path) -> Contents:
        """Return what a run says of its files.

        Raises
        ------
        RequestError
            If ``config.json`` or ``files.json`` is damaged, missing, of another run or of a
            newer version.
        """
        run, version = _root(folder)
        file = folder / CONTENTS
        if version == 1 and not file.exists():
            return cls(run, version, {})
        content = Fields(str(file), unseal(read_regular(file, LARGEST, links=True), str(file)))
        check_format(file, content.values.get("format"))
        if content.text("config_checksum") != run:
            raise RequestError(f"{file} is of another run than {folder / CONFIG}")
        named = content.inner("files")
        return cls(run, version, {name: _checksums(named, name) for name in named.values})

    @classmethod
    def begun(cls, folder: Path) -> Contents:
        """Return the same for a command that makes again what is not named, whatever it finds."""
        try:
            return cls.of(folder)
        except RequestError:
            found = cls(*_root(folder), {})
            found.write(folder)
            return found

    def holds(self, name: str, checksum: str) -> bool | None:
        """Whether a file is the one that the run wrote; None where nobody can say."""
        if name in self.files:
            return checksum in self.files[name]
        return None if self.version == 1 else False

    def write(self, folder: Path) -> None:
        """Write ``files.json``."""
        content = {
            "format": RUN_FORMAT,
            "config_checksum": self.run,
            "files": {name: list(self.files[name]) for name in sorted(self.files)},
        }
        write_json_atomic(folder / CONTENTS, seal(content))


def check_format(file: Path, found: object) -> int:
    """Return the version of a run's file; a RequestError where a newer one wrote it."""
    if not isinstance(found, int) or isinstance(found, bool) or found < 1:
        raise RequestError(f"{file}: format is {found!r}; expected 1 to {RUN_FORMAT}")
    if found > RUN_FORMAT:
        raise RequestError(
            f"{file} has format {found}; this dropnet-ensemble reads up to {RUN_FORMAT}: "
            "install a newer one"
        )
    return found


def is_run(folder: Path) -> bool:
    """Whether a folder holds a run's ``config.json``, damaged or not."""
    try:
        return b'"asked"' in read_regular(folder / CONFIG, LARGEST, links=True)
    except RequestError:
        return False


def read_bound(folder: Path, name: str, most: int = MOST_BYTES) -> tuple[bytes, bool | None]:
    """Return a file of a run, and whether it is the one that the run wrote, None if unknown.

    Beside a writer: what it replaces while it is read is read again.
    """
    for _ in range(TRIES):
        data = read_regular(folder / name, most, links=True)
        if (held := Contents.of(folder).holds(name, sha256_of(data))) is not False:
            break
    return data, held


def check_bound(folder: Path, name: str, way_out: str, most: int = MOST_BYTES) -> bytes:
    """Return a file of a run; a RequestError where it is not the one that the run wrote."""
    if not (folder / name).exists():
        raise RequestError(f"{folder / name} is missing; {way_out}")
    data, held = read_bound(folder, name, most)
    if held is False:
        raise RequestError(
            f"{folder / name} is not the file that this run wrote: changed, damaged, or another "
            f"run's; {way_out}"
        )
    return data


def unchecked(folder: Path, names: Iterable[str]) -> str:
    """Return a line that says which files of a run of version 1 may be another's; else nothing."""
    if not is_run(folder):
        return ""
    try:
        contents = Contents.of(folder)
    except RequestError:  # said by who reads the run
        return ""
    unnamed = [name for name in names if name not in contents.files and (folder / name).is_file()]
    if contents.version > 1 or not unnamed:
        return ""
    told = dict.fromkeys("members" if name.startswith("members/") else name for name in unnamed)
    return (
        f"{folder} was begun by version 1, whose files do not say which run they are of: that "
        f"{', '.join(told)} are its own cannot be checked"
    )


def check_product(place: Path) -> None:
    """Refuse an ensemble's folder or ``.onnx`` file in a run or a choice that has not made it.

    Elsewhere it is a copy, which proves itself. Of runs of version 1, and of choices that name
    no model, nobody can say.
    """
    whole = place.resolve()
    name, way_out = PRODUCTS.get(whole.name, ("", ""))
    if name and is_run(whole.parent):
        check_bound(place.parent if place.name else whole.parent, name, way_out, LARGEST_PRODUCT)
    elif name == ONNX and (whole.parent / CHOICE).is_file():
        _check_chosen(whole)


def _check_chosen(model: Path) -> None:
    root = model.with_name(CHOICE)
    named = Fields(str(root), unseal(read_regular(root, LARGEST, links=True), str(root)))
    files = named.inner("files")
    if ONNX not in files.values:
        return
    if files.text(ONNX) != sha256_of(read_regular(model, LARGEST_PRODUCT, links=True)):
        raise RequestError(
            f"{model} is not of the choice that {root} names: changed, damaged, or half "
            "replaced; give the `ensemble combine` command again"
        )


@contextlib.contextmanager
def replacing(folder: Path, files: Mapping[str, str]) -> Iterator[None]:
    """Name the files, by SHA-256, that the block puts in their places; one writer at a time."""
    before = Contents.of(folder)
    fresh = {name: (checksum,) for name, checksum in files.items()}
    if fresh.items() <= before.files.items():
        yield
        return
    both = {
        name: tuple(dict.fromkeys((*before.files.get(name, ()), *one)))
        for name, one in fresh.items()
    }
    replace(before, files={**before.files, **both}).write(folder)
    yield
    replace(before, files={**before.files, **fresh}).write(folder)


def _root(folder: Path) -> tuple[str, int]:
    file = folder / CONFIG
    content = unseal(read_regular(file, LARGEST, links=True), str(file))
    return sha256_of(canonical_json(content)), check_format(file, content.get("format"))


def _checksums(fields: Fields, name: str) -> tuple[str, ...]:
    found = tuple(map(str, fields.items(name, MOST_VERSIONS)))
    if any(len(one) != len(sha256_of(b"")) for one in found):
        raise fields.error(name, "SHA-256 in hexadecimal digits")
    return found
