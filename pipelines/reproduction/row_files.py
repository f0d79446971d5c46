"""What each seed gave, on disk: a header that says how it came about, then a line per seed."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ensemble.storage.sealed import write_bytes_atomic
from pruning.core.errors import RequestError


def read_rows(
    path: Path,
    header: Mapping[str, Any] | None = None,
    today: Callable[[Mapping[str, Any]], Mapping[str, Any]] = dict,
) -> list[dict[str, Any]]:
    """Return the rows that are there, by seed.

    Parameters
    ----------
    path
        May be absent: nothing has run yet.
    header
        What the rows must have been made with; None: whatever they were.
    today
        Brings the header that is there into this version's words, before it is compared.

    Raises
    ------
    RequestError
        If they were made otherwise, or the file is none of ours.
    """
    if not path.is_file():
        return []
    try:
        first, *rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        rows.sort(key=lambda row: row["seed"])
        first = today(first)
    except (ValueError, TypeError, KeyError) as error:
        raise RequestError(
            f"{path}: is not a file of runs ({error}); move it away to make them anew"
        ) from error
    if header is not None and first != header:
        other = sorted(key for key in {*first, *header} if first.get(key) != header.get(key))
        raise RequestError(
            f"{path}: its runs were made with other {', '.join(other)}; move the file away to make "
            "them anew"
        )
    return rows


def read_header(path: Path) -> dict[str, Any]:
    """Return how the rows of a file came about."""
    with path.open(encoding="utf-8") as lines:
        header: dict[str, Any] = json.loads(lines.readline())
    return header


def write_rows(path: Path, header: Mapping[str, Any], rows: Sequence[Mapping[str, Any]]) -> None:
    """Write header and rows, in the order of their seeds; a stopped write leaves what was."""
    lines = [header, *sorted(rows, key=lambda row: row["seed"])]
    path.parent.mkdir(parents=True, exist_ok=True)
    write_bytes_atomic(path, "".join(json.dumps(line) + "\n" for line in lines).encode())
