"""A table as a value, for every form it is written in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Cell:
    """What a table shows at one place.

    Attributes
    ----------
    text
        As shown.
    range
        The 95 % interval in words, or empty.
    column, value
        Where the number stands in ``comparison.csv``, and the number there; None for what
        is no number of the file.
    words
        Whether the text may be broken into lines where room is short.
    """

    text: str
    range: str = ""
    column: str | None = None
    value: float | None = None
    words: bool = False


@dataclass(frozen=True)
class Table:
    """A caption, headings, and rows of cells.

    Attributes
    ----------
    caption
        What the table shows.
    headings
        One per column; the first column holds names.
    names
        The contender of each row, as ``comparison.csv`` names it; empty where a row is none's.
    rows
        Cells by row.
    """

    caption: str
    headings: tuple[str, ...]
    names: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]


def plain_table(caption: str, headings: Sequence[str], rows: Sequence[Sequence[str]]) -> Table:
    """Return a table of text."""
    cells = tuple(tuple(Cell(text) for text in row) for row in rows)
    return Table(caption, tuple(headings), ("",) * len(cells), cells)
