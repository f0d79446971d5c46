"""The SHA-256 by which a whole ensemble is known. A seal shows damage; this shows an exchange.

Anybody can seal what they wrote: the checksums in an ensemble's files say that it is whole, not
whose it is. Who made it passes on this one number by a way that is trusted.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from ensemble.artefact.stored import LARGEST_ROOT, check_folder
from ensemble.storage.folder import ROOT, artefact_folder, onnx_file
from ensemble.storage.regular import read_regular
from ensemble.storage.sealed import sha256_of
from pruning.core.errors import RequestError

LARGEST_ONNX = 2**31 - 1
DIGITS = 64


def fingerprint(place: Path) -> str:
    """Return the SHA-256 of an ``.onnx`` file, or of a folder's ``ensemble.json``, as hex digits.

    ``sha256sum`` says the same. Of a folder, ``ensemble.json`` names every other file with its
    checksum, and all of them are read and checked.

    Raises
    ------
    RequestError
        If there is no ensemble, or a file is missing, one too many, or not what was written.
    """
    if file := onnx_file(place):
        return sha256_of(read_regular(file, LARGEST_ONNX, links=True))
    folder = artefact_folder(place)
    check_folder(folder)
    return sha256_of(read_regular(folder / ROOT, LARGEST_ROOT))


def check_expected(place: Path, found: Callable[[Path], str], expect: str | None) -> str:
    """Return what is found at a place; a RequestError where it is not the SHA-256 expected.

    Parameters
    ----------
    place
        Where the ensemble is.
    found
        Says its SHA-256, such as `fingerprint`; asked only where `expect` is one.
    expect
        Its 64 hexadecimal digits, in capitals or not, after ``sha256:`` or not; None: any.
    """
    wanted = None if expect is None else expect.strip().lower().removeprefix("sha256:")
    if wanted is not None and (len(wanted) != DIGITS or set(wanted) - set("0123456789abcdef")):
        raise RequestError(
            f"`expect` {expect!r}: allowed are the {DIGITS} hexadecimal digits that "
            "`ensemble verify` says where the ensemble was made"
        )
    own = found(place)
    if wanted not in (None, own):
        raise RequestError(
            f"{place} has SHA-256 {own}, not {wanted}: it is another ensemble; do not use it, "
            "ask whoever made it"
        )
    return own
