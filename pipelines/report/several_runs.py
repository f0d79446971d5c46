"""Several runs side by side, one report; a run that could not be compared says why."""

from __future__ import annotations

import io
import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from rich.console import Group, RenderableType
from rich.table import Table as RichTable
from rich.text import Text

from pipelines.compare.comparison import Comparison
from pipelines.compare.contenders import SELECTED
from pipelines.compare.interval import Interval
from pipelines.compare.paired_tests import Judgement, PairedTest
from pipelines.report.figures.accuracy_intervals import accuracy_intervals
from pipelines.report.figures.pruning_by_run import pruning_by_run
from pipelines.report.figures.run_differences import against_all, run_differences
from pipelines.report.markdown import pipe_table
from pipelines.report.markup import Markup, element, join
from pipelines.report.number_format import (
    MISSING,
    down_percent,
    percent,
    percent_range,
    points,
    points_range,
    ratio,
    whole,
)
from pipelines.report.page import document
from pipelines.report.section import Section, html_table, render_section
from pipelines.report.tables import Cell, Table, main_table
from pipelines.report.verdict import verdict


@dataclass(frozen=True)
class Failure:
    """A run that could not be compared.

    Attributes
    ----------
    name
        The run.
    reason
        Which stage is missing, and the way out.
    """

    name: str
    reason: str


def render_many(comparisons: Sequence[Comparison], failures: Sequence[Failure] = ()) -> str:
    """Return one HTML document for several runs, at least one of them compared."""
    _refuse_none(comparisons)
    table = Section(
        "The runs",
        "Each run’s selected team is measured against all of its own unpruned networks: accuracy "
        "on its test samples, difference in points, share of units left, of their FLOPs and bytes.",
        more=html_table(runs_table(comparisons)), broad=True,
    )  # fmt: skip
    against = Section(
        "Run against run",
        "The selected teams on the test samples that they share, with the paired "
        "95\u202f% interval; all tests corrected together.",
        more=html_table(across_table(comparisons)), broad=True,
    )  # fmt: skip
    parts = [
        render_section(run_differences(comparisons), "runs"),
        render_section(table, "table"),
        render_section(against, "across"),
        render_section(pruning_by_run(comparisons), "removal"),
    ]
    if failures:
        parts.insert(0, render_section(_failed(failures), "failed"))
    each = [_run(comparison, f"run-{k}") for k, comparison in enumerate(comparisons)]
    return document(
        f"{len(comparisons)} runs",
        element(
            "header",
            element("p", ", ".join(c.name for c in comparisons), class_="eyebrow"),
            element("h1", summary(comparisons), class_="answer"),
        ),
        *parts,
        *each,
    )


def summary(comparisons: Sequence[Comparison]) -> str:
    """Return in how many runs the selected team is better, worse, or neither."""
    said = Counter(against_all(comparison).judgement for comparison in comparisons)
    kinds = {
        Judgement.BETTER: "more accurate in {}",
        Judgement.WORSE: "less accurate in {}",
        Judgement.NO_DIFFERENCE: "not significantly different in {}",
    }
    counts = ", ".join(text.format(said[kind]) for kind, text in kinds.items() if said[kind])
    return (
        f"Of {len(comparisons)} runs, the selected team is {counts}, measured against all "
        "unpruned networks of its run."
    )


def runs_table(comparisons: Sequence[Comparison]) -> Table:
    """Return a row a run."""
    headings = ("Run", "Tested on", "Selected", "All unpruned", "Points",
                "Judgement", "Units", "FLOPs", "Bytes")  # fmt: skip
    rows = tuple(_cells(comparison) for comparison in comparisons)
    return Table("The selected team of each run", headings, ("",) * len(rows), rows)


def across_table(comparisons: Sequence[Comparison]) -> Table:
    """Return a row a run: what was asked for, and its team against the first run's."""
    first = comparisons[0].name
    headings = ("Run", f"Points to {first}", "Judgement", "Command")
    rows = tuple(
        (Cell(one.name), *_against(one.against_first, k), Cell(one.command or "not known"))
        for k, one in enumerate(comparisons)
    )
    return Table("Each selected team against the first run’s", headings, ("",) * len(rows), rows)


def _against(test: PairedTest | None, place: int) -> tuple[Cell, Cell]:
    if test is None:
        return Cell(MISSING), Cell("other test samples" if place else "")
    gap = test.difference
    return Cell(points(gap.value), points_range(gap)), Cell(test.judgement.value)


def units_left(comparison: Comparison) -> float:
    """Return the mean share of its units that a member of the selected team has left."""
    return sum(member.remaining for member in comparison.team) / len(comparison.team)


def _cells(comparison: Comparison) -> tuple[Cell, ...]:
    selected, everyone = comparison.selected, comparison.all_unpruned
    test = against_all(comparison)
    return (
        Cell(comparison.name),
        Cell(whole(comparison.split_sizes["test"])),
        Cell(percent(selected.accuracy.value), percent_range(selected.accuracy)),
        Cell(percent(everyone.accuracy.value), percent_range(everyone.accuracy)),
        Cell(points(test.difference.value), points_range(test.difference)),
        Cell(test.judgement.value),
        Cell(ratio(units_left(comparison))),
        Cell(ratio(selected.ratios.flops)),
        Cell(ratio(selected.ratios.bytes)),
    )


def csv_many(comparisons: Sequence[Comparison]) -> str:
    """Return the runs' tables below each other, the run's name first."""
    _refuse_none(comparisons)
    frames = [comparison.table for comparison in comparisons]
    for comparison, frame in zip(comparisons, frames, strict=True):
        frame.insert(0, "run", comparison.name)
        test = comparison.against_first
        gap = test.difference if test else Interval(math.nan)
        chosen = frame["contender"] == SELECTED
        for name, value in (("", gap.value), ("_low", gap.low), ("_high", gap.high)):
            frame[f"difference_to_first_run{name}"] = np.where(chosen, value, math.nan)
    buffer = io.StringIO()
    pd.concat(frames, ignore_index=True).to_csv(buffer, index=False, lineterminator="\n")
    return buffer.getvalue()


def markdown_many(comparisons: Sequence[Comparison], failures: Sequence[Failure] = ()) -> str:
    """Return the summary and the runs' table in GitHub's Markdown."""
    lines = [f"- {failure.name} could not be compared: {failure.reason}" for failure in failures]
    tables = [pipe_table(runs_table(comparisons)), pipe_table(across_table(comparisons))]
    parts = [summary(comparisons), *tables, "\n".join(lines)]
    return "\n\n".join(filter(None, parts)) + "\n"


def terminal_many(
    comparisons: Sequence[Comparison], failures: Sequence[Failure] = ()
) -> RenderableType:
    """Return the runs' table for 80 columns, the summary and the failures underneath."""
    table = RichTable(box=None, pad_edge=False, padding=(0, 1, 0, 0), header_style="dim")
    table.add_column("run", overflow="fold")
    for heading in (
        "selected %",
        "all %",
        "points",
        "95 % interval",
        "% units",
        "% FLOPs",
        "% bytes",
    ):
        table.add_column(heading, justify="right", no_wrap=True)
    for comparison in comparisons:
        selected, gap = comparison.selected, against_all(comparison).difference
        table.add_row(
            comparison.name,
            down_percent(selected.accuracy.value),
            down_percent(comparison.all_unpruned.accuracy.value),
            points(gap.value),
            points_range(gap),
            ratio(units_left(comparison))[:-2],
            ratio(selected.ratios.flops)[:-2],
            ratio(selected.ratios.bytes)[:-2],
        )
    lines = [f"{failure.name} could not be compared: {failure.reason}" for failure in failures]
    return Group(
        table, Text(), Text("\n".join([summary(comparisons), *_said(comparisons), *lines]))
    )


def _said(comparisons: Sequence[Comparison]) -> list[str]:
    """Return a line a run: its command, and its team against the first run's."""
    first, lines = comparisons[0].name, [""]
    for k, one in enumerate(comparisons):
        lines.append(f"{one.name}: {one.command or 'command not known'}")
        test = one.against_first
        if test is not None:
            gap = test.difference
            lines.append(
                f"  {points(gap.value)} points to {first} ({points_range(gap)}): "
                f"{test.judgement.value}"
            )
        elif k:
            lines.append(f"  other test samples than {first}: not tested against it")
    return lines


def _refuse_none(comparisons: Sequence[Comparison]) -> None:
    if not comparisons:
        raise ValueError("no run to report; at least one must have been compared")


def _failed(failures: Sequence[Failure]) -> Section:
    items = [
        element("li", element("strong", failure.name), f": {failure.reason}")
        for failure in failures
    ]
    return Section(
        "Not compared",
        "These runs were asked for and could not be read.",
        more=element("ul", *items, class_="notes"),
    )


def _run(comparison: Comparison, prefix: str) -> Markup:
    """One run in short: its verdict, its contenders, its table."""
    drawn = accuracy_intervals(comparison)
    section = Section(comparison.name, " ".join(verdict(comparison).sentences), drawn.draw)
    title = f"{comparison.name}: the table"
    numbers = replace(main_table(comparison), caption=f"{title}, accuracy and cost per sample")
    table = Section(title, drawn.text, more=html_table(numbers), broad=True)
    return join(render_section(section, prefix), render_section(table, f"{prefix}-table"))
