"""Rows of a table that an earlier call left, so that variants can be tried one at a time."""

from __future__ import annotations

from collections.abc import Container
from pathlib import Path


def rows_there(table: Path, heading: str, names: Container[str]) -> dict[str, str]:
    """Return the rows of a Markdown table with this in its heading, by their first cell."""
    text = table.read_text(encoding="utf-8") if table.is_file() else ""
    if heading not in text:
        return {}
    rows = [line for line in text.splitlines() if line.startswith("| ")]
    found = {row.split("|")[1].strip(): row for row in rows}
    return {name: row for name, row in found.items() if name in names}
