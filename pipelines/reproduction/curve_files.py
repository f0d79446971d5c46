"""The runs of a curve on disk: a header that says how they came about, then a line a seed."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pipelines.reproduction.claim import Run
from pruning.core.errors import RequestError


def read_runs(path: Path, header: dict[str, Any] | None = None) -> list[Run]:
    """Return the runs that are there, by seed.

    Parameters
    ----------
    path
        May be absent: nothing has run yet.
    header
        What the runs must have been made with; None: whatever they were.

    Raises
    ------
    RequestError
        If they were made otherwise, or the file is none of ours.
    """
    if not path.is_file():
        return []
    try:
        first, *rest = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        runs = [Run(**row) for row in rest]
    except (ValueError, TypeError) as error:
        raise RequestError(
            f"{path}: is not a file of runs ({error}); move it away to make them anew"
        ) from error
    if header is not None and first != header:
        other = sorted(key for key in {*first, *header} if first.get(key) != header.get(key))
        raise RequestError(
            f"{path}: its runs were made with other {', '.join(other)}; move the file away to make "
            "them anew"
        )
    return sorted(runs, key=lambda run: run.seed)


def read_header(path: Path) -> dict[str, Any]:
    """Return how the runs of a file came about."""
    with path.open(encoding="utf-8") as lines:
        header: dict[str, Any] = json.loads(lines.readline())
    return header


def write_runs(path: Path, header: dict[str, Any], runs: Sequence[Run]) -> None:
    """Write header and runs, in the order of their seeds; a stopped write leaves what was."""
    rows = [header, *(dataclasses.asdict(r) for r in sorted(runs, key=lambda run: run.seed))]
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.draft")
    draft.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    draft.replace(path)
