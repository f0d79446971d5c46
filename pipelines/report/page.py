"""The report: one HTML file that needs no network, no script and no other file."""

from __future__ import annotations

from importlib.resources import files

from pipelines.compare import Comparison
from pipelines.contenders import SELECTED
from pipelines.report.figures.drawing import Draw, picture
from pipelines.report.figures.intervals import intervals
from pipelines.report.figures.pareto import pareto
from pipelines.report.markup import Markup, element, join
from pipelines.report.tables import Cell, Table, all_tables
from pipelines.report.words import verdict


def render(comparison: Comparison) -> str:
    """Return the report of one run as a whole HTML document."""
    return document(comparison.name, run_report(comparison, "run"))


def document(title: str, *content: Markup) -> str:
    """Return an HTML document with the style and the script inside."""
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("title", f"{title} · pruned ensemble against unpruned networks"),
        element("style", _asset("style.css")),
    )
    body = element(
        "body",
        element("a", "Skip to the table", href="#table", class_="skip"),
        element("main", *content, class_="page"),
        element("div", id="tip", hidden=True),
        element("script", _asset("touch.js")),
    )
    return "<!doctype html>\n" + element("html", head, body, lang="en") + "\n"


def run_report(comparison: Comparison, prefix: str) -> Markup:
    """Return one run's part of a page; `prefix` keeps its ids apart from another run's."""
    words = verdict(comparison)
    header = element(
        "header",
        element("p", f"{comparison.name} · {comparison.selection_method}", class_="eyebrow"),
        element("h1", words.lead, class_="verdict"),
        element("p", " ".join(filter(None, (words.single, words.doubt))), class_="further"),
    )
    tables = [html_table(table) for table in all_tables(comparison)]
    return join(
        header,
        chart(f"{prefix}-intervals", "How good, and how sure",
              "Each dot is a contender’s accuracy on the test split, each bar its interval.",
              lambda width: intervals(comparison, width)),
        chart(f"{prefix}-pareto", "Accuracy against cost",
              "Up is better, left is cheaper. Nobody beats those on the dotted line in both.",
              lambda width: pareto(comparison, width)),
        element("section", element("h2", "The table"), *tables, id="table"),
    )  # fmt: skip


def chart(key: str, title: str, text: str, draw: Draw) -> Markup:
    """Return a section with a heading, what to see, and the picture."""
    return element(
        "section",
        element("h2", title, id=f"{key}-name"),
        element("p", text, id=f"{key}-text", class_="say"),
        element("figure", picture(draw, f"{key}-name", f"{key}-text")),
    )


def html_table(table: Table) -> Markup:
    """Return a table that scrolls within itself where the page is narrow."""
    head = element("tr", *(element("th", name, scope="col") for name in table.headings))
    body = [
        element("tr", element("th", row[0].text, scope="row"), *(_cell(cell) for cell in row[1:]),
                class_="selected" if name == SELECTED else None, data_contender=name)
        for name, row in zip(table.names, table.rows, strict=True)
    ]  # fmt: skip
    return element(
        "div",
        element("table", element("caption", table.caption), element("thead", head),
                element("tbody", *body)),
        class_="scroll", tabindex=0, role="region", aria_label=table.caption,
    )  # fmt: skip


def _cell(cell: Cell) -> Markup:
    shown: str = cell.text
    if cell.column is not None:
        shown = element("data", cell.text, value=repr(cell.value), data_column=cell.column)
    return element("td", shown, element("span", cell.range, class_="range") if cell.range else "")


def _asset(name: str) -> Markup:
    return Markup(files("pipelines.report").joinpath(name).read_text(encoding="utf-8"))
