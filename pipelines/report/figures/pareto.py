"""Accuracy against FLOPs, with the Pareto front."""

from __future__ import annotations

from pipelines.compare.contenders import EXPORTED, SELECTED
from pipelines.compare.team_comparison import TeamComparison
from pipelines.report.contender_names import label
from pipelines.report.figures.accuracy_intervals import mark_class
from pipelines.report.figures.drawing import (
    BOTTOM,
    HEIGHT,
    LEFT,
    RIGHT,
    TOP,
    Axis,
    axes,
    canvas,
    dot,
    line,
    path,
    plot_labels,
)
from pipelines.report.markup import Markup
from pipelines.report.number_format import amount, percent, percent_range, percent_tick, tick
from pipelines.report.scale import Scale, padded_shares
from pipelines.report.section import Section


def pareto(comparison: TeamComparison) -> Section:
    """Return every contender's accuracy against its FLOPs."""
    front = ", ".join(label(comparison.row(name)) for name in comparison.pareto)
    text = (
        "Up is more accurate, left is cheaper; the scale of FLOPs is logarithmic. The dotted line "
        f"is the Pareto front, which no other contender beats in both: {front}."
    )
    return Section("Accuracy against cost", text, lambda width: _draw(comparison, width))


def _draw(comparison: TeamComparison, width: int) -> Markup:
    rows = [row for row in comparison.results if row.contender not in EXPORTED]
    flops = [max(row.cost.flops, 1) for row in rows]
    accuracies = [end for row in rows for end in (row.accuracy.low, row.accuracy.high)]
    x = Scale(min(flops) / 1.6, max(flops) * 1.6, LEFT, width - RIGHT, log=True)
    y = Scale(*padded_shares(accuracies), HEIGHT - BOTTOM, TOP)
    front = [comparison.row(name) for name in comparison.pareto]
    places = {row.contender: (x(max(row.cost.flops, 1)), y(row.accuracy.value)) for row in rows}
    labels = plot_labels(width)
    for at in places.values():
        labels.keep_clear(*at, 6)
    parts = [
        axes(
            Axis(x, "FLOPs per sample, logarithmic", tick),
            Axis(y, "Accuracy on test", percent_tick),
        ),
        path(_steps([places[row.contender] for row in front], x.end), "front"),
    ]
    first = (SELECTED, comparison.whole)
    whiskers, names, marks = [], [], []
    for row in sorted(rows, key=lambda row: (row.contender not in first, -row.accuracy.value)):
        at = places[row.contender]
        strong = row.contender in first
        tip = (
            f"{label(row)}: {percent(row.accuracy.value)} ({percent_range(row.accuracy)}) "
            f"at {amount(row.cost.flops)} FLOPs"
        )
        mark = mark_class(row)
        whiskers.append(
            line(at[0], y(row.accuracy.low), at[0], y(row.accuracy.high), f"whisker thin {mark}")
        )
        marks.append(dot(*at, mark, 6 if strong else 4.5, tip))
        kind = "label strong halo" if strong else "label halo"
        names.append(labels.place(*at, label(row), kind))
    return canvas(width, HEIGHT, *parts, *whiskers, *names, *reversed(marks))


def _steps(places: list[tuple[float, float]], end: float) -> list[tuple[float, float]]:
    """Return the corners of the front: level, up to where a dearer contender is more accurate."""
    steps = [places[0]]
    for x, y in places[1:]:
        steps += [(x, steps[-1][1]), (x, y)]
    return [*steps, (end, steps[-1][1])]
