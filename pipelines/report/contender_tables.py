"""The tables of one run, once, for every form they are written in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from pipelines.compare.comparison import Comparison
from pipelines.compare.contenders import ALL_UNPRUNED, SELECTED, SINGLE_BEST
from pipelines.compare.results import Result
from pipelines.compare.team_comparison import TeamComparison
from pipelines.report.contender_cells import (
    Column,
    amount_cell,
    difference_cell,
    filled,
    loss_cell,
    p_cell,
    plain_cell,
    ratio_cell,
    share_cell,
    tempered_cell,
)
from pipelines.report.contender_names import label
from pipelines.report.number_format import (
    MISSING,
    amount,
    down_amount,
    ratio,
    up,
    whole,
)
from pipelines.report.table import Cell, Table


def main_table(comparison: Comparison) -> Table:
    """Return the table that answers the question: how good, how sure, at what cost."""
    columns = [
        Column("Networks", lambda row: Cell(whole(row.members), "", "members", row.members)),
        Column("Accuracy", lambda row: share_cell("accuracy", row.accuracy)),
        Column("Points to all unpruned", lambda row: difference_cell(row, ALL_UNPRUNED)),
        Column("McNemar p", _mcnemar),
        Column("FLOPs", lambda row: amount_cell("flops", row.cost.flops)),
        Column("of all", lambda row: ratio_cell("flops_ratio", row.ratios.flops)),
        Column("Bytes", lambda row: amount_cell("bytes", row.cost.bytes, "B")),
        Column("of all", lambda row: ratio_cell("bytes_ratio", row.ratios.bytes)),
    ]
    return filled("Accuracy on test and cost per sample", columns, comparison.results)


def quality_table(comparison: TeamComparison) -> Table:
    """Return the table of the probabilities' quality."""
    columns = [
        Column(
            "Balanced accuracy", lambda row: share_cell("balanced_accuracy", row.balanced_accuracy)
        ),
        Column("Log loss", lambda row: loss_cell("log_loss", row.losses.log_loss)),
        Column("Brier score", lambda row: loss_cell("brier", row.losses.brier)),
        Column("Calibration error", lambda row: loss_cell("ece", row.losses.ece)),
    ]  # fmt: skip
    return filled("Quality of the predicted probabilities on test", columns, comparison.results)


def calibrated_table(comparison: TeamComparison) -> Table:
    """Return the table of what one temperature, fitted on ``select``, makes of it."""
    columns = [
        Column("Temperature", lambda row: plain_cell("temperature", row.temperature)),
        Column("Log loss", tempered_cell("log_loss")),
        Column("Brier score", tempered_cell("brier")),
        Column("Calibration error", tempered_cell("ece")),
    ]
    rows = tuple(row for row in comparison.results if row.calibrated)
    caption = "The same after a temperature fitted on the selection split"
    return filled(caption, columns, rows)


def tests_table(comparison: Comparison, reference: str) -> Table:
    """Return the table of the paired tests against one reference."""
    columns = [
        Column("Difference in points", lambda row: difference_cell(row, reference)),
        Column("McNemar p", lambda row: p_cell(row, "mcnemar_p", reference)),
        Column("corrected", lambda row: p_cell(row, "mcnemar_holm", reference)),
        Column("Bootstrap p", lambda row: p_cell(row, "bootstrap_p", reference)),
        Column("corrected", lambda row: p_cell(row, "bootstrap_holm", reference)),
    ]
    against = label(comparison.row(reference))
    tested = comparison.results
    if reference == SELECTED:
        tested = tuple(row for row in tested if row.versus(reference))
    return filled(f"Paired tests against: {against}", columns, tested)


def cost_table(comparison: Comparison) -> Table:
    """Return the table of costs and of what was measured."""
    columns = [
        Column("Parameters", lambda row: amount_cell("parameters", row.cost.params)),
        Column("of all", lambda row: ratio_cell("parameters_ratio", row.ratios.params)),
        Column("Peak activation", lambda row: amount_cell(
            "peak_activation_bytes", row.cost.peak_activation_bytes, "B")),
        *(Column(heading, _measured(name, unit))
          for name, heading, unit in _MEASURED if name not in comparison.not_measured),
    ]  # fmt: skip
    return filled("Memory and measured time", columns, comparison.results)


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


def _mcnemar(row: Result) -> Cell:
    plain = p_cell(row, "mcnemar_p", ALL_UNPRUNED)
    corrected = p_cell(row, "mcnemar_holm", ALL_UNPRUNED).text
    return replace(plain, range="" if corrected == MISSING else f"corrected {corrected}")


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
