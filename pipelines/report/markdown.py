"""The comparison for a README."""

from __future__ import annotations

from pipelines.compare.comparison import Comparison
from pipelines.report.contender_tables import main_table
from pipelines.report.table import Cell, Table
from pipelines.report.verdict import verdict


def markdown(comparison: Comparison) -> str:
    """Return the verdict and the main table in GitHub's Markdown."""
    said = verdict(comparison)
    parts = (said.opening, " ".join(said.details), pipe_table(main_table(comparison)))
    return "\n\n".join(parts) + "\n"


def pipe_table(table: Table) -> str:
    """Return a pipe table; names stand left, numbers right."""
    head = [escaped(heading) for heading in table.headings]
    rule = [":--", *("--:" for _ in head[1:])]
    body = [[_cell(cell) for cell in row] for row in table.rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in [head, rule, *body])


def _cell(cell: Cell) -> str:
    return escaped(f"{cell.text} ({cell.range})" if cell.range else cell.text)


def escaped(text: str) -> str:
    """Return text that Markdown shows as it is."""
    for mark in "\\|`*_<>[]":
        text = text.replace(mark, "\\" + mark)
    return text
