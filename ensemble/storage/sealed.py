"""Files that are written whole or not at all, and content that carries its own checksum.

Standard library only: whoever writes or reads a file of a run or of an artefact uses these.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import math
import os
import re
import secrets
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

from pruning.core.errors import RequestError

CHECKSUM = "checksum"

DEEPEST = 32
"""Objects and lists in each other, in JSON that is read."""

_DRAFT = re.compile(r"\.(.+)\.[0-9a-f]{16}")


def sha256_of(data: bytes) -> str:
    """Return the SHA-256 of `data` as 64 hexadecimal digits.

    >>> sha256_of(b"")[:8]
    'e3b0c442'
    """
    return hashlib.sha256(data).hexdigest()


def canonical_json(value: object) -> bytes:
    """Return the one spelling of a JSON value that checksums are taken of.

    Keys are sorted, there is no white space, text is UTF-8. NaN and infinities raise
    ``ValueError``: JSON has none.

    >>> canonical_json({"b": [1, 0.5], "a": "κ"}).decode()
    '{"a":"κ","b":[1,0.5]}'
    """
    text = json.dumps(
        value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    )
    return text.encode()


def seal(content: Mapping[str, object]) -> dict[str, object]:
    """Return `content` with the checksum of its canonical form under ``"checksum"``."""
    bare = {key: value for key, value in content.items() if key != CHECKSUM}
    return bare | {CHECKSUM: sha256_of(canonical_json(bare))}


def unseal(data: bytes, source: str) -> dict[str, object]:
    """Return the content of a sealed JSON object, its checksum verified and removed.

    Parameters
    ----------
    data
        What was read.
    source
        What to call it in an error.

    Raises
    ------
    RequestError
        If it is no JSON object, or not the content that was sealed.
    """
    content = parse_json(data, source)
    stated = content.pop(CHECKSUM, None)
    try:
        canonical = canonical_json(content)
    except UnicodeEncodeError as error:
        raise RequestError(f"{source} holds half a character (\\ud800 to \\udfff)") from error
    if stated != sha256_of(canonical):
        raise RequestError(
            f"{source} does not match its own checksum: it was changed or damaged; "
            "copy it again from where it was made"
        )
    return content


def parse_json(data: bytes, source: str) -> dict[str, object]:
    """Return a JSON object; anything else, NaN or a key given twice is a `RequestError`."""
    try:
        value = json.loads(
            data, object_pairs_hook=_distinct, parse_float=_finite, parse_constant=_no_constant
        )
    except (ValueError, RecursionError) as error:
        reason = str(error).splitlines()[0]
        raise RequestError(
            f"{source} is not JSON ({reason}): it was changed or damaged; "
            "copy it again from where it was made"
        ) from error
    if not isinstance(value, dict):
        raise RequestError(f"{source} is a JSON {type(value).__name__}; expected an object")
    if not _shallow(value):
        raise RequestError(f"{source} is nested more than {DEEPEST} deep")
    return value


def write_bytes_atomic(path: Path, data: bytes) -> None:
    """Write a file whole or not at all: temporary file beside it, fsync, rename."""
    draft = _draft(path)
    try:
        with draft.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise
    _fsync_folder(path.parent)


def json_bytes(value: object) -> bytes:
    """Return a JSON value as a file for people to read, keys sorted."""
    text = json.dumps(value, sort_keys=True, indent=1, ensure_ascii=False, allow_nan=False)
    return text.encode() + b"\n"


def write_json_atomic(path: Path, value: object) -> None:
    """Write a JSON value for people to read, keys sorted, whole or not at all."""
    write_bytes_atomic(path, json_bytes(value))


@contextlib.contextmanager
def folder_written_whole(target: Path) -> Iterator[Path]:
    """Yield an empty folder that takes `target`'s place when the block ends well.

    An earlier `target` stays as it was until then, and for good if the block raises. A process
    that is killed between the two leaves what `clear_drafts` puts right.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    workshop = _draft(target)
    workshop.mkdir()
    try:
        fresh = workshop / "new"
        fresh.mkdir()
        yield fresh
        _fsync_folder(fresh)
        if target.exists():
            target.rename(workshop / "old")
        fresh.rename(target)
        _fsync_folder(target.parent)
    finally:
        _settle(workshop, target)


def is_draft(path: Path) -> bool:
    """Whether a file or folder is one that a writer of these had not finished.

    >>> is_draft(Path(".config.json.0123456789abcdef")), is_draft(Path("config.json"))
    (True, False)
    """
    return _DRAFT.fullmatch(path.name) is not None


def clear_drafts(folder: Path) -> None:
    """Remove what killed writers left in a folder; what they had moved aside goes back.

    Nobody may be writing there.
    """
    for left in sorted(folder.iterdir()) if folder.is_dir() else ():
        found = _DRAFT.fullmatch(left.name)
        if found and left.is_dir():
            _settle(left, folder / found[1])
        elif found:
            left.unlink(missing_ok=True)


def _draft(path: Path) -> Path:
    return path.with_name(f".{path.name}.{secrets.token_hex(8)}")


def _settle(workshop: Path, target: Path) -> None:
    """Remove a workshop; the earlier target goes back where nothing has taken its place."""
    old = workshop / "old"
    if old.exists() and not target.exists():
        old.rename(target)
    shutil.rmtree(workshop, ignore_errors=True)


def _fsync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _shallow(value: object) -> bool:
    """Whether objects and lists stand in each other at most `DEEPEST` deep."""
    level = [value]
    for _ in range(DEEPEST):
        level = [
            inner
            for outer in level
            for inner in (outer.values() if isinstance(outer, dict) else outer)  # type: ignore[attr-defined]
            if isinstance(inner, dict | list)
        ]
        if not level:
            return True
    return False


def _distinct(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key is given twice")
    return found


def _finite(text: str) -> float:
    if not math.isfinite(number := float(text)):
        raise ValueError(f"{text[:20]} is too large a number")
    return number


def _no_constant(name: str) -> object:
    raise ValueError(f"{name} is not a JSON number")
