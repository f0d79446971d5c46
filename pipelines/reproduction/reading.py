"""What was found, in words and tables: a page per claim, and one table of all claims."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from pipelines.report.markdown import pipe_table
from pipelines.report.number_format import p_value, percent, points, points_range, ratio
from pipelines.report.table import plain_table
from pipelines.reproduction.agreement import CurveVerdict
from pipelines.reproduction.claim import OURS_SUFFIX, Claim
from pipelines.reproduction.found import (
    FoundCurve,
    FoundFigure,
    found_figures,
    found_studies,
)
from pipelines.reproduction.ordering import Order, OrderVerdict, mean_along
from pipelines.reproduction.picture import draw
from pipelines.reproduction.study import Row, Study

PAGE = "README.md"
NOTES = "notes.md"
"""Beside the page, written by hand: what is made of the figures; the page begins with it."""


OF_FIGURES = (
    "A point agrees where the published accuracy lies within t·s·√(1/n + 1/m) of the mean of "
    "our n runs, m being the runs it was the mean of, widened by the error of reading it off "
    "the picture. The joint test asks for all points of a curve at once; it *differs* where "
    "its p is below 0.05. *With failures* asks whether it would if a published run had failed to "
    "train as often, and as badly, as ours did at neighbouring rounds: plain SGD at 0.1 now and "
    "then does not leave chance, and one such run of 15 lowers a mean by six points. "
    "*Along* is the mean accuracy over the share of units that remains. "
    "Pairs are tested by seed and corrected for their number (Holm). The test part is read "
    "every round, as in the paper: these curves choose nothing."
)
OF_STUDIES = (
    "A row is a mean over pools, each of its own networks and of its own draw of the training "
    "samples; intervals and p are of a paired t-test over the pools, corrected for their number "
    "(Holm). Everything is chosen on one part of the data and judged on the test part."
)


QUICK = (
    "**A quick look:** a few epochs on scikit-learn's digits, to see the code run. It says nothing "
    "about the claim, whatever the headings are called."
)


def write_page(
    name: str, claim: Claim, folder: Path, *, quick: bool = False
) -> tuple[FoundFigure, ...]:
    """Write a claim's figures and its page into its folder; return what was found."""
    found, studied = found_figures(claim, folder), found_studies(claim, folder)
    for figure in found:
        drawing = draw(figure, f"{claim.source} · {data_note(figure)}")
        (folder / f"{figure.figure.name}.svg").write_text(drawing + "\n", encoding="utf-8")
    if found or studied:
        text = page(name, claim, found, studied, _notes(folder), quick=quick)
        (folder / PAGE).write_text(text, encoding="utf-8")
    return found


def _notes(folder: Path) -> str:
    path = folder / NOTES
    return path.read_text(encoding="utf-8").strip() if path.is_file() else ""


def page(
    name: str,
    claim: Claim,
    found: Sequence[FoundFigure],
    studied: Sequence[tuple[Study, list[Row]]] = (),
    notes: str = "",
    *,
    quick: bool = False,
) -> str:
    """Return a claim's page as Markdown; `quick`: of a look that says nothing about it."""
    parts = [
        f"# {name}{', a quick look' if quick else ''}",
        QUICK if quick else "",
        f"*{claim.title}.* {claim.source}.",
        f"    ensemble reproduce {name} {'--budget quick' if quick else '--data-dir DATA'}",
        notes,
        *(part for figure in found for part in _figure_parts(figure)),
        *(part for study, rows in studied for part in _study_parts(study, rows)),
        "## How to read this",
        OF_FIGURES if found else "",
        OF_STUDIES if studied else "",
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def data_note(figure: FoundFigure) -> str:
    """Return which data were read, in words."""
    read = {curve.data for curve in figure.curves.values()} - {figure.figure.data}
    return figure.figure.data + (f", read from {', '.join(sorted(read))}" if read else "")


def _figure_parts(found: FoundFigure) -> Iterator[str]:
    figure = found.figure
    yield f"## {figure.title}: {figure.published}"
    if data_note(found) != figure.data:
        yield f"Data: {data_note(found)}."
    yield f"![{figure.title}]({figure.name}.svg)"
    yield pipe_table(
        plain_table(
            "Against the published curves",
            ("Curve", "Runs", "Along, here", "Along, published", "Points that agree",
             "Largest difference", "Joint p", "With failures", ""),
            [_curve_row(curve) for curve in found.as_published],
        )
    )  # fmt: skip
    ours = [curve for curve in found.curves.values() if curve.name.endswith(OURS_SUFFIX)]
    if ours:
        yield pipe_table(
            plain_table(
                "By our recipe",
                ("Our recipe", "Runs", "Along", "At the last point", "Epochs a round"),
                [_our_row(curve) for curve in ours],
            )
        )
    if found.orders:
        yield pipe_table(
            plain_table(
                "Curves against each other",
                ("Better by the paper", "than", "Recipe", "Points", "95 % interval", "p", ""),
                [_order_row(order) for order in found.orders],
            )
        )  # fmt: skip


def _order_row(order: Order) -> tuple[str, ...]:
    apart = order.found
    return (
        order.better.removesuffix(OURS_SUFFIX),
        order.worse.removesuffix(OURS_SUFFIX),
        "ours" if order.better.endswith(OURS_SUFFIX) else "the paper's",
        points(apart.mean.value),
        points_range(apart.mean),
        p_value(apart.p),
        order.verdict,
    )


def _study_parts(study: Study, rows: list[Row]) -> Iterator[str]:
    yield f"## {study.title}"
    yield f"{len(rows)} pools; {study.finding(rows)}."
    for table in study.tables(rows):
        yield f"*{table.caption}*\n\n{pipe_table(table)}"


def _curve_row(curve: FoundCurve) -> tuple[str, ...]:
    published, held = curve.published, curve.agreement
    theirs = ""
    if published is not None:
        shares = np.array(published.remaining)
        theirs = percent(float(mean_along(shares, np.array([published.accuracy]))[0]))
    shown = (curve.name, str(len(curve.accuracy)), percent(float(curve.along.mean())), theirs)
    if held is None:
        return (*shown, "", "", "", "", "too few runs")
    at = int(np.abs(held.difference).argmax())
    return (
        *shown,
        f"{held.points} of {len(held.difference)}",
        f"{points(float(held.difference[at]))} at {ratio(float(curve.remaining[at]))}",
        p_value(held.p),
        p_value(held.p_with_failures),
        held.verdict,
    )


def _our_row(curve: FoundCurve) -> tuple[str, ...]:
    return (
        curve.name.removesuffix(OURS_SUFFIX),
        str(len(curve.accuracy)),
        percent(float(curve.along.mean())),
        percent(float(curve.mean[-1])),
        f"{float(curve.epochs.mean()):.0f}",
    )


def write_table(claims: Mapping[str, Claim], folder: Path, *, quick: bool = False) -> None:
    """Write the page that has a row a figure of every claim."""
    title = (
        "Quick looks, which say nothing about the claims"
        if quick
        else "Published claims, made again"
    )
    table = table_of_claims(claims, folder)
    (folder / PAGE).write_text(f"# {title}\n\n{table}", encoding="utf-8")


def table_of_claims(claims: Mapping[str, Claim], folder: Path) -> str:
    """Return Markdown: a row a figure of every claim, with or without runs."""
    rows = [
        row
        for name, claim in claims.items()
        for kind in (_claim_rows, _study_rows)
        for row in kind(name, claim, folder)
    ]
    headings = ("Claim", "Figure", "Command", "Runs", "Curves that agree",
                "Order as published, or finding", "By our recipe")  # fmt: skip
    lines = ["| " + " | ".join(headings) + " |", "|" + ":--|" * len(headings)]
    return "\n".join([*lines, *("| " + " | ".join(row) + " |" for row in rows)]) + "\n"


def _claim_rows(name: str, claim: Claim, folder: Path) -> Iterator[tuple[str, ...]]:
    found = {figure.figure.name: figure for figure in found_figures(claim, folder / name)}
    for figure in claim.figures:
        title = f"{claim.title}: {figure.title}"
        command = f"`ensemble reproduce {name} --part {figure.name}`"
        if figure.name not in found:
            yield title, figure.published, command, "open", "", "", ""
            continue
        got = found[figure.name]
        runs = {len(curve.accuracy) for curve in got.curves.values()}
        yield (
            title,
            f"[{figure.published}]({name}/{figure.name}.svg)",
            command,
            f"{min(runs)}" if len(runs) == 1 else f"{min(runs)} to {max(runs)}",
            curves_held(got),
            _in_order(got, ours=False),
            _in_order(got, ours=True),
        )


def _study_rows(name: str, claim: Claim, folder: Path) -> Iterator[tuple[str, ...]]:
    found = {study.name: rows for study, rows in found_studies(claim, folder / name)}
    for study in claim.studies:
        title = f"{claim.title}: {study.title}"
        command = f"`ensemble reproduce {name} --part {study.name}`"
        if study.name not in found:
            yield title, "", command, "open", "", "", ""
            continue
        rows = found[study.name]
        yield title, f"[page]({name}/{PAGE})", command, str(len(rows)), "", study.finding(rows), ""


def curves_held(found: FoundFigure) -> str:
    """Return how often published curves agree with the first of ours that is held against each.

    Of those that differ, how many agree with another of ours: what that one changes is the cause.
    """
    by_published: dict[str, list[CurveVerdict]] = {}
    for curve in found.figure.curves:
        ours = found.curves.get(curve.name)
        if ours and ours.agreement and not curve.name.endswith(OURS_SUFFIX):
            by_published.setdefault(curve.published, []).append(ours.agreement.verdict)
    firsts = [first for first, *_ in by_published.values()]
    named = sum(
        first is CurveVerdict.DIFFERS and any(one is not CurveVerdict.DIFFERS for one in others)
        for first, *others in by_published.values()
    )
    return _counted(firsts) + (f", {named} of these for a named cause" if named else "")


def _in_order(found: FoundFigure, *, ours: bool) -> str:
    asked = [order for order in found.orders if order.better.endswith(OURS_SUFFIX) == ours]
    return _counted([order.verdict for order in asked])


def _counted(verdicts: Sequence[CurveVerdict] | Sequence[OrderVerdict]) -> str:
    """Return how often each is found, the best first, such as ``2 × agrees, 1 × differs``."""
    found = (verdict for verdict in (*CurveVerdict, *OrderVerdict) if verdict in verdicts)
    return ", ".join(f"{verdicts.count(verdict)} × {verdict}" for verdict in found)
