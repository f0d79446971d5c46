"""Every contender's accuracy with its interval, one line each."""

from __future__ import annotations

import math

from pipelines.compare.contenders import ALL, EVERYONE, SELECTED
from pipelines.compare.results import Result
from pipelines.compare.team_comparison import TeamComparison
from pipelines.report.contender_names import label
from pipelines.report.figures.drawing import PHONE, canvas, dot, line, text_at
from pipelines.report.markup import Markup, element
from pipelines.report.number_format import percent, percent_range, percent_tick, ratio
from pipelines.report.scale import Scale, padded_shares
from pipelines.report.section import Section
from pipelines.run.control_files import CONTROLS


def mark_class(row: Result) -> str:
    """Return how a contender is drawn: selected and all unpruned in colour, the rest in grey."""
    if row.contender == SELECTED:
        return "mark selected"
    if row.contender in EVERYONE:
        return "mark reference"
    unpruned = row.contender.endswith("unpruned") or row.contender in CONTROLS
    return "mark other hollow" if unpruned else "mark other"


def accuracy_intervals(comparison: TeamComparison) -> Section:
    """Return the accuracies from top to bottom, that of all unpruned as a line through them."""
    kind, dots = "unpruned networks", " Open dots are unpruned networks, filled dots pruned ones."
    if comparison.whole == ALL:
        kind, dots = "members", ""
    text = (
        "Accuracy of every contender on the test split, with its 95\u202f% interval. The "
        f"vertical line is all {kind} together, the shade their interval.{dots}"
    )
    return Section("How good, and how sure", text, lambda width: _draw(comparison, width))


def _draw(comparison: TeamComparison, width: int) -> Markup:
    phone = width < PHONE
    rows = comparison.results
    step, top = (44, 40) if phone else (30, 40)
    bottom = top + step * len(rows)
    ends = [end for row in rows for end in (row.accuracy.low, row.accuracy.high)]
    left, right = (8, width - 62) if phone else (190, width - 80)
    scale = Scale(*padded_shares(ends, 0.04), left, right)
    known = not math.isnan(comparison.everyone.cost.flops)
    reference = comparison.everyone.accuracy
    parts = [
        element("rect", x=scale(reference.low), y=float(top - 4), class_="band",
                width=scale(reference.high) - scale(reference.low), height=float(bottom - top)),
        line(scale(reference.value), top - 4, scale(reference.value), bottom - 4, "reference-line"),
        text_at(left, 14, "Accuracy on test, 95\u202f% interval", "axis-name"),
        text_at(width, 14, "FLOPs of all" if known else "", "axis-name", text_anchor="end"),
    ]  # fmt: skip
    for tick in scale.ticks(4 if phone else 6):
        at = scale(tick)
        parts.append(text_at(at, bottom + 14, percent_tick(tick), "tick", text_anchor="middle"))
        parts.append(line(at, top - 4, at, bottom - 4, "grid"))
    for k, row in enumerate(rows):
        parts.append(_row(row, scale, top + step * k + step / 2 - 4, width, phone))
    return canvas(width, bottom + 24, *parts)


def _row(row: Result, scale: Scale, middle: float, width: int, phone: bool) -> Markup:
    strong = row.contender in (SELECTED, *EVERYONE)
    class_ = "label strong" if strong else "label"
    at = middle + 9 if phone else middle
    name = (
        text_at(scale.start, at - 11, label(row), f"{class_} halo")
        if phone
        else text_at(0, middle + 4, label(row), class_)
    )
    tip = f"{label(row)}: {percent(row.accuracy.value)}, {percent_range(row.accuracy)}"
    mark = mark_class(row)
    flops = "" if math.isnan(row.ratios.flops) else ratio(row.ratios.flops)
    return element(
        "g",
        name,
        line(scale(row.accuracy.low), at, scale(row.accuracy.high), at, f"whisker {mark}"),
        dot(scale(row.accuracy.value), at, mark, 6 if strong else 4.5, tip),
        text_at(width, at + 4, flops, class_, text_anchor="end"),
        data_tip=tip,
    )
