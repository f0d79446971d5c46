"""What a run holds, as a test compares it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any


def logged_rounds(run: Path) -> list[dict[str, Any]]:
    """Return what a run's log says of the rounds so far."""
    log = run / "build.log"
    lines = log.read_text().splitlines() if log.exists() else []
    return [line for line in map(json.loads, lines) if line["what"] == "round"]


def run_files(run: Path) -> dict[str, bytes]:
    """Return a run's files but its log."""
    return {
        file.relative_to(run).as_posix(): file.read_bytes()
        for file in sorted(run.rglob("*"))
        if file.is_file() and file.name != "build.log"
    }
