"""Text in columns, for commands that must do without rich."""

from __future__ import annotations

import textwrap
from collections.abc import Collection, Sequence

_GAP = "  "
_NARROWEST = 20
"""Characters that the last column has at least, however narrow the terminal."""


def columns(rows: Sequence[Sequence[str]], width: int, right: Collection[int] = ()) -> list[str]:
    """Return rows of text as lines, each column as wide as its widest cell.

    Parameters
    ----------
    rows
        Cells by row, as many in each; the first row may hold headings.
    width
        Characters of the terminal: the last column is wrapped to what the others leave.
    right
        Columns, by number, that stand flush right.

    >>> for line in columns([["a", "n", "of"], ["bb", "10", "x y"]], 80, right=[1]):
    ...     print(line)
    a    n  of
    bb  10  x y
    """
    *widths, _ = (max(map(len, column)) for column in zip(*rows, strict=True))
    indent = " " * sum(wide + len(_GAP) for wide in widths)
    lines = []
    for *cells, last in rows:
        begin = "".join(
            (cell.rjust(wide) if i in right else cell.ljust(wide)) + _GAP
            for i, (cell, wide) in enumerate(zip(cells, widths, strict=True))
        )
        room = max(width - len(indent), _NARROWEST)
        first, *rest = textwrap.wrap(last, room, break_on_hyphens=False) or [""]
        lines += [(begin + first).rstrip(), *(indent + more for more in rest)]
    return lines
