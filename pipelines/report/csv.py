"""The comparison as ``comparison.csv``."""

from __future__ import annotations

from pipelines.compare.comparison import Comparison


def csv(comparison: Comparison) -> str:
    """Return the table, numbers as exact as they are; what is not defined is empty."""
    text: str = comparison.table.to_csv(index=False, lineterminator="\n")
    return text
