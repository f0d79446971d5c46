"""A comparison as a piece of HTML for a notebook, its style kept to itself, without a script."""

from __future__ import annotations

from collections.abc import Sequence

from pipelines.compare.comparison import Comparison
from pipelines.report.assets import fragment_style
from pipelines.report.contender_tables import main_table
from pipelines.report.figures.accuracy_intervals import accuracy_intervals
from pipelines.report.figures.drawing import WIDE
from pipelines.report.figures.pareto import pareto
from pipelines.report.figures.pruning_by_run import pruning_by_run
from pipelines.report.figures.pruning_curves import pruning_curves
from pipelines.report.figures.run_differences import run_differences
from pipelines.report.markup import Markup, element
from pipelines.report.section import Section, html_table
from pipelines.report.several_runs import answers, runs_table, summary
from pipelines.report.table import Table
from pipelines.report.verdict import verdict

_SCOPE = "dropnet-comparison"


def run_fragment(comparison: Comparison) -> Markup:
    """Return the answer, the table of contenders and three figures of one run."""
    said = verdict(comparison)
    figures = (accuracy_intervals(comparison), pareto(comparison), pruning_curves(comparison))
    claim = f"{said.claim}: {said.evidence}"
    return _fragment(said.opening, claim, main_table(comparison), figures)


def runs_fragment(comparisons: Sequence[Comparison]) -> Markup:
    """Return the answers, the summary, the table and two figures of several runs."""
    figures = (run_differences(comparisons), pruning_by_run(comparisons))
    return _fragment(answers(comparisons), summary(comparisons), runs_table(comparisons), figures)


def _fragment(answer: str, claim: str, table: Table, figures: Sequence[Section]) -> Markup:
    return element(
        "div",
        element("style", fragment_style(f".{_SCOPE}")),
        element("p", answer, class_="answer"),
        element("p", claim, class_="claim"),
        html_table(table),
        *(_figure(section) for section in figures),
        class_=_SCOPE,
    )


def _figure(section: Section) -> Markup:
    """The picture is named by its title itself: ids of two outputs of a notebook could meet."""
    if section.draw is None:
        return Markup("")
    told = f"{section.title}. {section.text}"
    drawn = section.draw(WIDE)
    return element(
        "figure",
        element("figcaption", section.title),
        element("div", drawn, class_="picture", tabindex=0, role="img", aria_label=told),
    )
