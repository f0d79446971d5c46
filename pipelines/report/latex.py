"""The comparison for a paper."""

from __future__ import annotations

from pipelines.compare.comparison import Comparison
from pipelines.report.contender_tables import main_table
from pipelines.report.number_format import MINUS, MISSING, NARROW
from pipelines.report.table import Cell, Table

_ESCAPES = {
    "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_",
    "{": r"\{", "}": r"\}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}",
    "<": r"$<$", ">": r"$>$", NARROW: r"\,", MINUS: r"$-$", MISSING: "--", "’": "'",
}  # fmt: skip


def latex(comparison: Comparison) -> str:
    """Return the main table for ``booktabs``; it needs no other package.

    The 95 % intervals stand in small type beside their values.
    """
    return tabular(main_table(comparison))


def tabular(table: Table) -> str:
    r"""Return a ``tabular`` environment, names left and numbers right."""
    columns = "l" + "r" * (len(table.headings) - 1)
    head = " & ".join(_escape(heading) for heading in table.headings)
    body = [" & ".join(_cell(cell) for cell in row) + r" \\" for row in table.rows]
    lines = [
        rf"\begin{{tabular}}{{{columns}}}", r"\toprule", head + r" \\", r"\midrule",
        *body, r"\bottomrule", r"\end{tabular}",
    ]  # fmt: skip
    return "\n".join(lines) + "\n"


def _cell(cell: Cell) -> str:
    text = _escape(cell.text)
    return rf"{text} {{\scriptsize ({_escape(cell.range)})}}" if cell.range else text


def _escape(text: str) -> str:
    return "".join(_ESCAPES.get(mark, mark) for mark in text)
