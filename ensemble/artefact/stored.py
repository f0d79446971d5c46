"""What stands in an ensemble's folder, read and checked against its checksums.

``ensemble.json`` is sealed and names every other file with its checksum.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from ensemble.description import LARGEST_SIDE, MOST_MEMBERS, Description
from ensemble.probe import Probe
from ensemble.storage.fields import Fields
from ensemble.storage.folder import ROOT
from ensemble.storage.regular import read_regular
from ensemble.storage.sealed import sha256_of, unseal
from pruning.core.errors import RequestError

FORMAT = "dropnet-ensemble"
FORMAT_VERSION = 2
"""2 since a probe is kept; files of version 1 have none."""

LARGEST_ROOT = 2 * 2**20
"""Bytes of ``ensemble.json``: Python makes of JSON up to 25 times as much."""

LARGEST_WEIGHTS = 2**40
"""Bytes of a member's weights."""

Sizes = dict[str, dict[str, int]]
"""Module → the sizes it was made with, such as ``out_features``."""


class MemberFile(NamedTuple):
    """Where a member's weights are and how large its modules."""

    name: str
    checksum: str
    sizes: Sizes


@dataclass(frozen=True)
class StoredEnsemble:
    """All of a folder but the weights.

    Attributes
    ----------
    folder
        Where it is.
    about
        What the ensemble says of itself.
    files
        One per member, in order; none is missing and none too many.
    probe
        What copies are checked by; None in files of version 1, and where none could be taken.
    """

    folder: Path
    about: Description
    files: tuple[MemberFile, ...]
    probe: Probe | None

    @classmethod
    def read(cls, folder: Path) -> StoredEnsemble:
        """Return what a folder holds; a `RequestError` where anything is not as it was written."""
        fields = _root(folder)
        version = _check_format(fields)
        about = Description.from_json(fields.values, fields.source)
        files = tuple(_member_files(fields))
        if len(files) != len(about.members):
            raise RequestError(
                f"{fields.source}: {len(files)} files for {len(about.members)} members"
            )
        _check_names(folder, files)
        return cls(folder, about, files, _probe(fields, about) if version > 1 else None)

    def weights(self, file: MemberFile, most: int = LARGEST_WEIGHTS) -> bytes:
        """Return the bytes of a member's file, at most so many, its checksum verified."""
        data = read_regular(self.folder / file.name, most)
        if sha256_of(data) != file.checksum:
            raise RequestError(
                f"{self.folder / file.name} does not match its checksum in {ROOT}: "
                "changed or damaged"
            )
        return data


def describe_folder(folder: Path) -> Description:
    """Return what an ensemble's folder says of itself, its networks left alone."""
    fields = _root(folder)
    _check_format(fields)
    return Description.from_json(fields.values, fields.source)


def check_folder(folder: Path) -> None:
    """Raise `RequestError` if a file of an ensemble is missing or not what was saved."""
    stored = StoredEnsemble.read(folder)
    for file in stored.files:
        stored.weights(file)


def file_name(index: int) -> str:
    """Return the name of a member's file."""
    return f"member-{index}.safetensors"


def _root(folder: Path) -> Fields:
    source = str(folder / ROOT)
    return Fields(source, unseal(read_regular(folder / ROOT, LARGEST_ROOT), source))


def _check_format(fields: Fields) -> int:
    if fields.text("format") != FORMAT:
        raise fields.error("format", repr(FORMAT))
    version = fields.whole("format_version", 1, 2**31)
    if version > FORMAT_VERSION:
        raise RequestError(
            f"{fields.source} has format version {version}; this dropnet-ensemble reads "
            f"up to {FORMAT_VERSION}: install a newer one"
        )
    return version


def _probe(fields: Fields, about: Description) -> Probe | None:
    if "probe" not in fields.values:
        raise RequestError(f"{fields.source}: probe is missing")
    kept = fields.optional("probe")
    sizes = len(about.members), len(about.classes)
    return Probe.from_json(kept, *sizes, about.input_shape, about.scaling)


def _member_files(fields: Fields) -> Iterator[MemberFile]:
    for i, entry in enumerate(fields.each("files", MOST_MEMBERS)):
        if entry.text("file") != file_name(i):
            raise entry.error("file", repr(file_name(i)))
        sizes = entry.inner("sizes")
        yield MemberFile(
            file_name(i), entry.text("sha256", 64),
            {name: _module_sizes(sizes.inner(name)) for name in sizes.values},
        )  # fmt: skip


def _module_sizes(fields: Fields) -> dict[str, int]:
    return {key: fields.whole(key, 1, LARGEST_SIDE) for key in fields.values}


def _check_names(folder: Path, files: tuple[MemberFile, ...]) -> None:
    found = {path.name for path in folder.glob("member-*")}
    wanted = {file.name for file in files}
    if missing := sorted(wanted - found):
        raise RequestError(f"{folder / missing[0]} is missing; copy the whole folder again")
    if extra := sorted(found - wanted):
        raise RequestError(f"{folder / extra[0]} is not named in {ROOT}; remove it")
