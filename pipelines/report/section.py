"""A section of the report: a heading, what to see, a picture, and the same as text."""

from __future__ import annotations

from dataclasses import dataclass

from pipelines.compare.contenders import SELECTED
from pipelines.report.figures.drawing import Draw, picture
from pipelines.report.figures.heatmap import Grid, grid_data
from pipelines.report.markup import EMPTY, Markup, element
from pipelines.report.table import Cell, Table


@dataclass(frozen=True)
class Section:
    """What a picture's file hands to the page.

    Attributes
    ----------
    title, text
        The heading, and what to see in a sentence or two; they also name and describe the
        picture to those who do not see it.
    draw
        Draws the picture; None for words alone.
    table
        The picture's numbers.
    more
        What follows the picture.
    grid
        A matrix whose cells answer when touched.
    broad
        Whether the content needs the whole width, below the heading.
    """

    title: str
    text: str
    draw: Draw | None = None
    table: Table | None = None
    more: Markup = EMPTY
    grid: Grid | None = None
    broad: bool = False


def render_section(section: Section, key: str) -> Markup:
    """Return the section's HTML; `key` keeps its ids apart from other sections'."""
    name, text = f"{key}-name", f"{key}-text"
    drawing = Markup("")
    if section.draw:
        touched = grid_data(section.grid) if section.grid else {}
        drawing = element("figure", picture(section.draw, name, text), **touched)
    numbers = Markup("")
    if section.table is not None:
        summary = element("summary", "These numbers as a table")
        numbers = element("details", summary, html_table(section.table))
    return element(
        "section",
        element(
            "div",
            element("h2", section.title, id=name),
            element("p", section.text, id=text, class_="say"),
        ),
        element("div", drawing, section.more, numbers, class_="body"),
        id=key,
        class_="broad" if section.broad else None,
        aria_labelledby=name,
    )


def html_table(table: Table) -> Markup:
    """Return a table that scrolls within itself where the page is narrow."""
    head = element("tr", *(element("th", name, scope="col") for name in table.headings))
    body = [
        element("tr", element("th", row[0].text, scope="row"), *(_cell(cell) for cell in row[1:]),
                class_="selected" if name == SELECTED else None, data_contender=name or None)
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
    small = element("span", cell.range, class_="range") if cell.range else ""
    return element("td", shown, small, class_="words" if cell.words else None)
