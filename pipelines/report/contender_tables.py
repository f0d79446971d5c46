"""The tables of one run, once, for every form they are written in."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from pipelines.compare.comparison import Comparison
from pipelines.compare.contenders import ALL_UNPRUNED, SELECTED, SINGLE_BEST
from pipelines.compare.interval import Interval
from pipelines.compare.paired_tests import PairedTest
from pipelines.compare.results import Result
from pipelines.report.contender_names import label
from pipelines.report.number_format import (
    MISSING,
    amount,
    down_amount,
    loss,
    loss_range,
    p_value,
    percent,
    percent_range,
    points,
    points_range,
    ratio,
    up,
    whole,
)
from pipelines.report.table import Cell, Table


@dataclass(frozen=True)
class Column:
    """A heading and how a row fills it."""

    heading: str
    cell: Callable[[Result], Cell]


def main_table(comparison: Comparison) -> Table:
    """Return the table that answers the question: how good, how sure, at what cost."""
    columns = [
        Column("Networks", lambda row: Cell(whole(row.members), "", "members", row.members)),
        Column("Accuracy", lambda row: _share("accuracy", row.accuracy)),
        Column("Points to all unpruned", lambda row: _difference(row, ALL_UNPRUNED)),
        Column("McNemar p", _mcnemar),
        Column("FLOPs", lambda row: _amount("flops", row.cost.flops)),
        Column("of all", lambda row: _ratio("flops_ratio", row.ratios.flops)),
        Column("Bytes", lambda row: _amount("bytes", row.cost.bytes, "B")),
        Column("of all", lambda row: _ratio("bytes_ratio", row.ratios.bytes)),
    ]
    return _fill("Accuracy on test and cost per sample", columns, comparison.results)


def quality_table(comparison: Comparison) -> Table:
    """Return the table of the probabilities' quality."""
    columns = [
        Column("Balanced accuracy", lambda row: _share("balanced_accuracy", row.balanced_accuracy)),
        Column("Log loss", lambda row: _loss("log_loss", row.losses.log_loss)),
        Column("Brier score", lambda row: _loss("brier", row.losses.brier)),
        Column("Calibration error", lambda row: _loss("ece", row.losses.ece)),
    ]
    return _fill("Quality of the predicted probabilities on test", columns, comparison.results)


def calibrated_table(comparison: Comparison) -> Table:
    """Return the table of what one temperature, fitted on ``select``, makes of it."""
    columns = [
        Column("Temperature", lambda row: _plain("temperature", row.temperature)),
        Column("Log loss", _tempered("log_loss")),
        Column("Brier score", _tempered("brier")),
        Column("Calibration error", _tempered("ece")),
    ]
    rows = tuple(row for row in comparison.results if row.calibrated)
    caption = "The same after a temperature fitted on the selection split"
    return _fill(caption, columns, rows)


def tests_table(comparison: Comparison, reference: str) -> Table:
    """Return the table of the paired tests against one reference."""
    columns = [
        Column("Difference in points", lambda row: _difference(row, reference)),
        Column("McNemar p", lambda row: _p(row, "mcnemar_p", reference)),
        Column("corrected", lambda row: _p(row, "mcnemar_holm", reference)),
        Column("Bootstrap p", lambda row: _p(row, "bootstrap_p", reference)),
        Column("corrected", lambda row: _p(row, "bootstrap_holm", reference)),
    ]
    against = label(comparison.row(reference))
    tested = comparison.results
    if reference == SELECTED:
        tested = tuple(row for row in tested if row.versus(reference))
    return _fill(f"Paired tests against: {against}", columns, tested)


def cost_table(comparison: Comparison) -> Table:
    """Return the table of costs and of what was measured."""
    columns = [
        Column("Parameters", lambda row: _amount("parameters", row.cost.params)),
        Column("of all", lambda row: _ratio("parameters_ratio", row.ratios.params)),
        Column("Peak activation", lambda row: _amount(
            "peak_activation_bytes", row.cost.peak_activation_bytes, "B")),
        *(Column(heading, _measured(name, unit))
          for name, heading, unit in _MEASURED if name not in comparison.not_measured),
    ]  # fmt: skip
    return _fill("Memory and measured time", columns, comparison.results)


def all_tables(comparison: Comparison) -> tuple[Table, ...]:
    """Return every table, the answering one first."""
    brought = tests_table(comparison, SELECTED)
    return (
        main_table(comparison),
        quality_table(comparison),
        calibrated_table(comparison),
        tests_table(comparison, ALL_UNPRUNED),
        tests_table(comparison, SINGLE_BEST),
        *((brought,) if brought.rows else ()),
        cost_table(comparison),
    )


_MEASURED = (
    ("latency_1_ms", "Latency, batch 1", "ms"),
    ("latency_128_ms", "Latency, batch 128", "ms"),
    ("throughput", "Samples a second", ""),
    ("peak_process_bytes", "Peak process memory", "B"),
    ("disk_bytes", "On disk", "B"),
)


def _fill(caption: str, columns: Sequence[Column], rows: Sequence[Result]) -> Table:
    return Table(
        caption,
        ("Contender", *(column.heading for column in columns)),
        tuple(row.contender for row in rows),
        tuple((Cell(label(row)), *(column.cell(row) for column in columns)) for row in rows),
    )


def _share(column: str, interval: Interval) -> Cell:
    return Cell(percent(interval.value), percent_range(interval), column, interval.value)


def _loss(column: str, interval: Interval) -> Cell:
    return Cell(loss(interval.value), _range(loss_range(interval)), column, interval.value)


def _difference(row: Result, reference: str) -> Cell:
    test = row.versus(reference)
    if test is None:
        return Cell(MISSING)
    gap = test.difference
    column = f"difference_to_{reference}"
    return Cell(points(gap.value), _range(points_range(gap)), column, gap.value)


def _p(row: Result, name: str, reference: str) -> Cell:
    test: PairedTest | None = row.versus(reference)
    p = math.nan if test is None else getattr(test, name)
    return Cell(p_value(p), "", f"{name}_{reference}", p) if p == p else Cell(MISSING)


def _mcnemar(row: Result) -> Cell:
    plain = _p(row, "mcnemar_p", ALL_UNPRUNED)
    corrected = _p(row, "mcnemar_holm", ALL_UNPRUNED).text
    return replace(plain, range="" if corrected == MISSING else f"corrected {corrected}")


def _amount(column: str, value: float, unit: str = "") -> Cell:
    return Cell(MISSING) if math.isnan(value) else Cell(amount(value, unit), "", column, value)


def _ratio(column: str, value: float) -> Cell:
    return Cell(MISSING) if math.isnan(value) else Cell(ratio(value), "", column, value)


def _measured(name: str, unit: str) -> Callable[[Result], Cell]:
    def cell(row: Result) -> Cell:
        value: float | None = getattr(row.measured, name)
        if value is None:
            return Cell(MISSING)
        share = getattr(row.measured_ratios, name)
        said = "" if share is None or row.contender == ALL_UNPRUNED else f"{ratio(share)} of all"
        return Cell(_read(name, value, unit), said, name, value)

    return cell


def _read(name: str, value: float, unit: str) -> str:
    if name == "throughput":
        return down_amount(value)
    return f"{up(value, 2)} ms" if unit == "ms" else amount(value, unit)


def _plain(column: str, value: float | None) -> Cell:
    return Cell(MISSING) if value is None else Cell(up(value, 3), "", column, value)


def _tempered(name: str) -> Callable[[Result], Cell]:
    def cell(row: Result) -> Cell:
        known = row.calibrated and getattr(row.calibrated, name)
        return _loss(f"{name}_calibrated", known) if known else Cell(MISSING)

    return cell


def _range(text: str) -> str:
    return "" if text == MISSING else text
