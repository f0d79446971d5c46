"""The comparison in a terminal of 80 columns."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.table import Table as RichTable
from rich.text import Text

from pipelines.compare.comparison import Comparison
from pipelines.compare.contenders import SELECTED
from pipelines.compare.results import Result
from pipelines.report.contender_names import label
from pipelines.report.contender_tables import cost_table
from pipelines.report.number_format import (
    MISSING,
    amount,
    down_percent,
    points,
    ratio,
    up_percent,
)
from pipelines.report.verdict import verdict


def terminal(comparison: Comparison) -> RenderableType:
    """Return the answer, the table and, underneath, what stands behind the answer."""
    table = RichTable(box=None, pad_edge=False, padding=(0, 1, 0, 0), header_style="dim")
    table.add_column("contender", no_wrap=True)
    for heading in ("acc. %", "95 % interval", "to all", "FLOPs", "% all", "bytes", "% all"):
        table.add_column(heading, justify="right", no_wrap=True)
    for row in comparison.results:
        style = "bold" if row.contender == SELECTED else ""
        table.add_row(label(row), *_numbers(row), style=style)
    said = verdict(comparison)
    answer, details = Text(said.opening, "bold"), Text("\n".join(said.details))
    measured = _measurements(comparison)
    return Group(answer, Text(), table, Text(), *((measured, Text()) if measured else ()), details)


_SHOWN = {
    "latency_1_ms": "1 sample",
    "latency_128_ms": "128 samples",
    "peak_process_bytes": "peak memory",
}
"""Of what was measured, what a terminal has room for."""


def _measurements(comparison: Comparison) -> RichTable | None:
    """Return the contenders' latencies and memory, or None where nothing was measured."""
    found = RichTable(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    found.add_column("measured here", no_wrap=True)
    for heading in _SHOWN.values():
        found.add_column(heading, justify="right", no_wrap=True)
    for result, row in zip(comparison.results, cost_table(comparison).rows, strict=True):
        told = {cell.column: cell.text for cell in row if cell.column in _SHOWN}
        if told:
            found.add_row(label(result), *(told.get(name, MISSING) for name in _SHOWN))
    return found if found.row_count else None


def _numbers(row: Result) -> tuple[str, ...]:
    test = row.versus("all_unpruned")
    accuracy = row.accuracy
    return (
        down_percent(accuracy.value),
        f"{down_percent(accuracy.low)}–{up_percent(accuracy.high)}",
        points(test.difference.value) if test else "",
        amount(row.cost.flops),
        ratio(row.ratios.flops)[:-2],
        amount(row.cost.bytes, "B"),
        ratio(row.ratios.bytes)[:-2],
    )
