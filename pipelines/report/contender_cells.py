"""How a contender's numbers become the cells of a table."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from pipelines.compare.interval import Interval
from pipelines.compare.paired_tests import PairedTest
from pipelines.compare.results import Result
from pipelines.report.contender_names import label
from pipelines.report.number_format import (
    MISSING,
    amount,
    loss,
    loss_range,
    p_value,
    percent,
    percent_range,
    points,
    points_range,
    ratio,
    up,
)
from pipelines.report.table import Cell, Table


@dataclass(frozen=True)
class Column:
    """A heading and how a row fills it."""

    heading: str
    cell: Callable[[Result], Cell]


def filled(caption: str, columns: Sequence[Column], rows: Sequence[Result]) -> Table:
    """Return a table with a row a contender."""
    return Table(
        caption,
        ("Contender", *(column.heading for column in columns)),
        tuple(row.contender for row in rows),
        tuple((Cell(label(row)), *(column.cell(row) for column in columns)) for row in rows),
    )


def share_cell(column: str, interval: Interval) -> Cell:
    """Return a share in per cent with its interval."""
    return Cell(percent(interval.value), percent_range(interval), column, interval.value)


def loss_cell(column: str, interval: Interval) -> Cell:
    """Return a loss with its interval."""
    return Cell(loss(interval.value), shown_range(loss_range(interval)), column, interval.value)


def difference_cell(row: Result, reference: str) -> Cell:
    """Return the difference to a reference in points, with its interval."""
    test = row.versus(reference)
    if test is None:
        return Cell(MISSING)
    gap = test.difference
    column = f"difference_to_{reference}"
    return Cell(points(gap.value), shown_range(points_range(gap)), column, gap.value)


def p_cell(row: Result, name: str, reference: str) -> Cell:
    """Return one p-value of the test against a reference."""
    test: PairedTest | None = row.versus(reference)
    p = math.nan if test is None else getattr(test, name)
    return Cell(p_value(p), "", f"{name}_{reference}", p) if p == p else Cell(MISSING)


def amount_cell(column: str, value: float, unit: str = "") -> Cell:
    """Return a count with its prefix; a dash where it is not known."""
    return Cell(MISSING) if math.isnan(value) else Cell(amount(value, unit), "", column, value)


def ratio_cell(column: str, value: float) -> Cell:
    """Return a share of a cost; a dash where it is not known."""
    return Cell(MISSING) if math.isnan(value) else Cell(ratio(value), "", column, value)


def plain_cell(column: str, value: float | None) -> Cell:
    """Return a number with three decimals."""
    return Cell(MISSING) if value is None else Cell(up(value, 3), "", column, value)


def tempered_cell(name: str) -> Callable[[Result], Cell]:
    """Return how a row shows one loss at its fitted temperature."""

    def cell(row: Result) -> Cell:
        known = row.calibrated and getattr(row.calibrated, name)
        return loss_cell(f"{name}_calibrated", known) if known else Cell(MISSING)

    return cell


def shown_range(text: str) -> str:
    """Return an interval's text; nothing where none is claimed."""
    return "" if text == MISSING else text
