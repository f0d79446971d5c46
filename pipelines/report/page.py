"""The report: one HTML file that needs no network, no script and no other file."""

from __future__ import annotations

from pipelines.compare.comparison import Comparison
from pipelines.report.assets import asset, page_style
from pipelines.report.contender_tables import all_tables
from pipelines.report.figures.accuracy_intervals import accuracy_intervals
from pipelines.report.figures.calibration import calibration
from pipelines.report.figures.candidate_teams import candidate_teams
from pipelines.report.figures.confusions import confusions
from pipelines.report.figures.disagreements import disagreements
from pipelines.report.figures.layer_widths import layer_widths
from pipelines.report.figures.pareto import pareto
from pipelines.report.figures.pruning_curves import pruning_curves
from pipelines.report.figures.vote_outcomes import vote_outcomes
from pipelines.report.markup import Markup, element, join
from pipelines.report.number_format import (
    amount,
    percent,
    percent_range,
    points,
    points_range,
    ratio,
    whole,
)
from pipelines.report.section import Section, html_table, render_section
from pipelines.report.text_sections import caveats, method, provenance
from pipelines.report.verdict import verdict

_ABOUT = "the pruned ensemble against the unpruned networks"


def render(comparison: Comparison) -> str:
    """Return the report of one run as a whole HTML document."""
    return document(comparison.name, run_report(comparison, "run"))


def document(title: str, *content: Markup, about: str = _ABOUT) -> str:
    """Return an HTML document with the style and the script inside."""
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("title", f"{title}: {about}"),
        element("style", page_style()),
    )
    body = element(
        "body",
        element("main", *content, class_="page"),
        element("div", id="tip", hidden=True, aria_hidden="true"),
        element("script", asset("touch.js")),
    )
    return "<!doctype html>\n" + element("html", head, body, lang="en") + "\n"


def run_report(comparison: Comparison, prefix: str) -> Markup:
    """Return one run's part of a page; `prefix` keeps its ids apart from another run's."""
    sections = {
        "intervals": accuracy_intervals(comparison),
        "pareto": pareto(comparison),
        "table": _table(comparison),
        "pruning": pruning_curves(comparison),
        "widths": layer_widths(comparison),
        "teams": candidate_teams(comparison),
        "disagreement": disagreements(comparison),
        "calibration": calibration(comparison),
        "mistakes": confusions(comparison),
        "votes": vote_outcomes(comparison),
        "caveats": caveats(comparison),
        "method": method(),
        "provenance": provenance(comparison),
    }
    keyed = {f"{prefix}-{key}": section for key, section in sections.items()}
    return join(
        _opening(comparison, keyed),
        *(render_section(section, key) for key, section in keyed.items()),
    )


def _opening(comparison: Comparison, sections: dict[str, Section]) -> Markup:
    said = verdict(comparison)
    links = [element("li", element("a", s.title, href=f"#{key}")) for key, s in sections.items()]
    tested = whole(comparison.split_sizes["test"])
    about = f"{comparison.name} · {len(comparison.classes)} classes · {tested} test samples"
    return element(
        "header",
        element("p", about, class_="eyebrow"),
        element("h1", f"{said.answer} ", element("span", said.besides), class_="answer"),
        _figures(comparison),
        element("p", f"{said.claim}: ", element("span", said.evidence), class_="claim"),
        element("p", said.single, class_="further"),
        element("p", said.control, class_="further") if said.control else "",
        element("p", said.small_team, class_="further") if said.small_team else "",
        element("p", said.random, class_="further") if said.random else "",
        element("p", said.rare, class_="further") if said.rare else "",
        element("p", said.doubt, class_="further") if said.doubt else "",
        element("nav", element("ul", *links), aria_label="On this page"),
    )


def _figures(comparison: Comparison) -> Markup:
    """The four numbers to take away, with their intervals."""
    selected, everyone = comparison.selected, comparison.all_unpruned
    test = selected.versus(everyone.contender)
    gap = (points(test.difference.value), points_range(test.difference)) if test else ("", "")
    shown = (
        ("Accuracy on test", percent(selected.accuracy.value), percent_range(selected.accuracy)),
        (f"Points to all {everyone.members} unpruned", *gap),
        ("Of their FLOPs", ratio(selected.ratios.flops), amount(selected.cost.flops) + " FLOPs"),
        ("Of their bytes", ratio(selected.ratios.bytes), amount(selected.cost.bytes, "B")),
    )
    tiles = [
        element("div", element("dt", name), element("dd", number, class_="number"),
                element("dd", range_, class_="range"))
        for name, number, range_ in shown
    ]  # fmt: skip
    return element("dl", *tiles, class_="tiles")


def _table(comparison: Comparison) -> Section:
    first, *rest = (html_table(table) for table in all_tables(comparison))
    more = element("details", element("summary", "Quality, tests, memory"), *rest)
    text = (
        "One row per contender, as in comparison.csv. Small type is the 95\u202f% interval. "
        "McNemar’s test compares with all unpruned networks; “corrected” allows for the number of "
        "tests in the table."
    )
    return Section("The table", text, more=join(first, more), broad=True)
