"""What earlier calls measured: a file of JSON lines, one for each measurement."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

Row = dict[str, Any]

FOLDER = Path(__file__).resolve().parents[2] / "results" / "benchmarks"
"""Where the last results of benchmarks stand."""


def rows_of(path: Path, key: Row | None = None) -> list[Row]:
    """Return the lines of a file, if it is there, that hold all of the key."""
    if not path.is_file():
        return []
    rows = map(json.loads, path.read_text(encoding="utf-8").splitlines())
    return [row for row in rows if (key or {}).items() <= row.items()]


def keep(path: Path, row: Row) -> None:
    """Append a line."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8") as lines:
        lines.write(json.dumps(row) + "\n")
