"""Several runs side by side: what is said of them, their tables, their forms as text."""

from __future__ import annotations

import io
import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from rich.console import Group, RenderableType
from rich.table import Table as RichTable
from rich.text import Text

from pipelines.compare.advice import Advice
from pipelines.compare.comparison import Comparison
from pipelines.compare.contenders import SELECTED
from pipelines.compare.interval import Interval
from pipelines.compare.paired_tests import Judgement, PairedTest
from pipelines.report.figures.run_differences import against_all
from pipelines.report.markdown import escaped, pipe_table
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
from pipelines.report.plain_answer import small_do_so_too
from pipelines.report.table import Cell, Table
from pipelines.report.verdict import p_text


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


def answers(comparisons: Sequence[Comparison]) -> str:
    """Return the plain answer of every run, runs of the same answer together.

    “Use it: a, b. Not yet: c.” Where only some were held against a control, of the others it is
    said; where a team only saves computation, how much.
    """
    runs: dict[str, list[str]] = {advice.answer: [] for advice in reversed(Advice)}
    held = {
        "a network as costly": [one.control for one in comparisons],
        "as many small ones": [one.small_team for one in comparisons],
    }
    for place, one in enumerate(comparisons):
        notes = []
        if one.advice is Advice.CHEAPER:
            share = ratio(one.selected.cost.flops / one.single_best.cost.flops)
            notes.append(f"as accurate as one ordinary network, for {share} of its computation")
        if small_do_so_too(one):
            notes.append("as do small networks, never pruned")
        for control, rows in held.items():
            if any(rows) and not rows[place]:
                notes.append(f"not held against {control}")
        note = f" ({'; '.join(notes)})" if notes else ""
        runs[one.advice.answer].append(one.name + note)
    return " ".join(
        f"{answer[0].upper()}{answer[1:]}: {_listed(names)}."
        for answer, names in runs.items()
        if names
    )


def _listed(names: Sequence[str]) -> str:
    """Return names one after another, so that a note belongs to the name before it alone."""
    return ("; " if any("(" in name for name in names) else ", ").join(names)


def summary(comparisons: Sequence[Comparison]) -> str:
    """Return in how many runs the selected team is better, worse, or neither."""
    said = Counter(against_all(comparison).judgement for comparison in comparisons)
    kinds = {
        Judgement.BETTER: "more accurate in {}",
        Judgement.WORSE: "less accurate in {}",
        Judgement.NO_DIFFERENCE: "not significantly different in {}",
    }
    counts = ", ".join(text.format(said[kind]) for kind, text in kinds.items() if said[kind])
    runs = f"{len(comparisons)} run{'s' if len(comparisons) > 1 else ''}"
    return (
        f"Of {runs}, the selected team is {counts}, measured against all "
        "unpruned networks of its run."
    )


def runs_table(comparisons: Sequence[Comparison]) -> Table:
    """Return one row per run."""
    headings = ("Run", "Tested on", "Selected", "All unpruned", "Points",
                "Judgement", "Units", "FLOPs", "Bytes")  # fmt: skip
    rows = tuple(_cells(comparison) for comparison in comparisons)
    return Table("The selected team of each run", headings, ("",) * len(rows), rows)


def against_first_table(comparisons: Sequence[Comparison]) -> Table | None:
    """Return a row for each run but the first: its team against the first run's.

    None where no run has the first one's test samples: there is nothing to tell of any.
    """
    first, *others = comparisons
    if not any(one.against_first for one in others):
        return None
    headings = ("Run", f"Points to {first.name}", "Judgement")
    rows = tuple((Cell(one.name), *_against(one.against_first)) for one in others)
    return Table("Each selected team against the first run’s", headings, ("",) * len(rows), rows)


def commands(comparisons: Sequence[Comparison]) -> tuple[tuple[str, str], ...]:
    """Return each run's name and the command that makes it again."""
    return tuple((one.name, one.command or "not known") for one in comparisons)


def _against(test: PairedTest | None) -> tuple[Cell, Cell]:
    if test is None:
        return Cell(MISSING), Cell("other test samples", words=True)
    gap = test.difference
    return Cell(points(gap.value), points_range(gap)), Cell(test.judgement.value, words=True)


def _cells(comparison: Comparison) -> tuple[Cell, ...]:
    selected, everyone = comparison.selected, comparison.all_unpruned
    test = against_all(comparison)
    return (
        Cell(comparison.name),
        Cell(whole(comparison.split_sizes["test"])),
        Cell(percent(selected.accuracy.value), percent_range(selected.accuracy)),
        Cell(percent(everyone.accuracy.value), percent_range(everyone.accuracy)),
        Cell(points(test.difference.value), points_range(test.difference)),
        Cell(test.judgement.value, words=True),
        Cell(ratio(comparison.chosen.units_left)),
        Cell(ratio(selected.ratios.flops)),
        Cell(ratio(selected.ratios.bytes)),
    )


def csv_many(comparisons: Sequence[Comparison]) -> str:
    """Return the runs' tables below each other, the run's name first."""
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
    lines = [
        f"- {escaped(failure.name)} could not be compared: {escaped(failure.reason)}"
        for failure in failures
    ]
    against = against_first_table(comparisons)
    tables = [pipe_table(table) for table in (runs_table(comparisons), against) if table]
    asked = "\n".join(f"- {escaped(name)}: {escaped(text)}" for name, text in commands(comparisons))
    parts = [escaped(answers(comparisons)), summary(comparisons), *tables, asked, "\n".join(lines)]
    return "\n\n".join(filter(None, parts)) + "\n"


def terminal_many(
    comparisons: Sequence[Comparison], failures: Sequence[Failure] = ()
) -> RenderableType:
    """Return the answers and the runs' table for 80 columns, the summary and the failures below."""
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
            ratio(comparison.chosen.units_left)[:-2],
            ratio(selected.ratios.flops)[:-2],
            ratio(selected.ratios.bytes)[:-2],
        )
    lines = [f"{failure.name} could not be compared: {failure.reason}" for failure in failures]
    said = Text("\n".join([summary(comparisons), *_said(comparisons), *lines]))
    return Group(Text(answers(comparisons), "bold"), Text(), table, Text(), said)


def _said(comparisons: Sequence[Comparison]) -> list[str]:
    """Return lines per run: its command, and its team against the first run's."""
    first, lines = comparisons[0].name, [""]
    for k, one in enumerate(comparisons):
        lines.append(f"{one.name}: {one.command or 'command not known'}")
        test = one.against_first
        if test is not None:
            gap = test.difference
            lines.append(
                f"  {points(gap.value)} points to {first} ({points_range(gap)}{p_text(test)}): "
                f"{test.judgement.value}"
            )
        elif k:
            lines.append(f"  other test samples than {first}: not tested against it")
    return lines
