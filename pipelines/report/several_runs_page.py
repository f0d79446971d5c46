"""Several runs side by side on one page; a run that could not be compared says why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from pipelines.compare.comparison import Comparison
from pipelines.report.contender_tables import main_table
from pipelines.report.figures.accuracy_intervals import accuracy_intervals
from pipelines.report.figures.pruning_by_run import pruning_by_run
from pipelines.report.figures.run_differences import run_differences
from pipelines.report.markup import Markup, element, join
from pipelines.report.page import document
from pipelines.report.section import Section, html_table, render_section
from pipelines.report.several_runs import (
    Failure,
    against_first_table,
    answers,
    commands,
    runs_table,
    summary,
)
from pipelines.report.verdict import verdict


def render_many(comparisons: Sequence[Comparison], failures: Sequence[Failure] = ()) -> str:
    """Return one HTML document for several runs, at least one of them compared."""
    table = Section(
        "The runs",
        "Each run’s selected team is measured against all of its own unpruned networks: accuracy "
        "on its test samples, difference in points, share of units left, of their FLOPs and bytes.",
        more=html_table(runs_table(comparisons)), broad=True,
    )  # fmt: skip
    parts = [
        render_section(run_differences(comparisons), "runs"),
        render_section(table, "table"),
        render_section(_against(comparisons), "across"),
        render_section(pruning_by_run(comparisons), "removal"),
    ]
    if failures:
        parts.insert(0, render_section(_failed(failures), "failed"))
    each = [_run(comparison, f"run-{k}") for k, comparison in enumerate(comparisons)]
    said = summary(comparisons)
    return document(
        f"{len(comparisons)} runs",
        element(
            "header",
            element("p", ", ".join(c.name for c in comparisons), class_="eyebrow"),
            element("h1", f"{answers(comparisons)} ", element("span", said), class_="answer"),
        ),
        *parts,
        *each,
    )


def _against(comparisons: Sequence[Comparison]) -> Section:
    """Return the runs against the first one, and the commands that made them."""
    tested = against_first_table(comparisons)
    text = (
        f"The selected teams against that of {comparisons[0].name}, on the test samples that they "
        "share, with the paired 95\u202f% interval; all tests corrected together."
    )
    if tested is None:
        text = (
            f"No other run was tested on the samples of {comparisons[0].name}: their teams are not "
            "compared with each other."
        )
    asked = [
        element(tag, words) for pair in commands(comparisons)
        for tag, words in zip(("dt", "dd"), pair, strict=True)
    ]  # fmt: skip
    return Section(
        "Run against run",
        f"{text} Below are the commands that made the runs.",
        more=join(html_table(tested) if tested else "", element("dl", *asked, class_="commands")),
        broad=True,
    )


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
