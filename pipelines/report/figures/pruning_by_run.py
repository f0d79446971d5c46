"""Several runs: accuracy against the share of units remaining, one mean line per run."""

from __future__ import annotations

from collections.abc import Sequence

from pipelines.compare.comparison import Comparison
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
    path,
    plot_labels,
    shortened,
)
from pipelines.report.markup import Markup
from pipelines.report.number_format import percent, percent_range, percent_tick, ratio
from pipelines.report.scale import Scale, padded_shares
from pipelines.report.section import Section
from pipelines.report.table import plain_table

_DASHES = ("none", "7 4", "2 3", "10 4 2 4", "1 5", "14 5")
"""Lines are told apart by their dashes and names, the first also by its colour."""


def pruning_by_run(comparisons: Sequence[Comparison]) -> Section:
    """Return the figure of the DropNet paper for several runs: accuracy as units are removed."""
    text = (
        "Mean validation accuracy of each run’s networks while units are removed, as far as at "
        "least half of its networks got. The mean leaves out networks that stopped early."
    )
    rows = [
        (one.name, ratio(p.remaining), percent(p.accuracy.value), percent_range(p.accuracy),
         str(p.runs))
        for one in comparisons for p in one.mean_curve
    ]  # fmt: skip
    headings = ("Run", "Units remaining", "Mean accuracy", "95\u202f% interval", "Networks")
    return Section(
        "Accuracy while units are removed, run by run",
        text,
        lambda width: _draw(comparisons, width),
        plain_table("Mean validation accuracy of each run, round by round", headings, rows),
    )


def _draw(comparisons: Sequence[Comparison], width: int) -> Markup:
    lines = [one.firm_mean_curve for one in comparisons]
    every = [p for line in lines for p in line]
    x = Scale(min(*(p.remaining for p in every), 0.99) - 0.01, 1.0, width - RIGHT, LEFT)
    y = Scale(*padded_shares([p.accuracy.value for p in every]), HEIGHT - BOTTOM, TOP)
    names = (
        Axis(x, "Units remaining", percent_tick),
        Axis(y, "Accuracy on validation", percent_tick),
    )
    labels = plot_labels(width)
    drawn: list[Markup] = []
    for k, (one, line) in enumerate(zip(comparisons, lines, strict=True)):
        stroke = "" if k == 0 else "stroke: var(--ink); stroke-width: 1.5; "
        drawn.append(
            path([(x(p.remaining), y(p.accuracy.value)) for p in line], "mean",
                 style=f"{stroke}stroke-dasharray: {_DASHES[k % len(_DASHES)]}")
        )  # fmt: skip
        for p in line:
            tip = (
                f"{one.name}: {percent(p.accuracy.value)} with {ratio(p.remaining)} of the "
                f"units, {p.runs} networks"
            )
            kind = "mark selected" if k == 0 else "mark other"
            drawn.append(dot(x(p.remaining), y(p.accuracy.value), kind, 3, tip))
            labels.keep_clear(x(p.remaining), y(p.accuracy.value), 4)
    ends = [(one.name, line[-1]) for one, line in zip(comparisons, lines, strict=True)]
    placed = [
        labels.place(x(p.remaining), y(p.accuracy.value), shortened(name, 20)) for name, p in ends
    ]
    return canvas(width, HEIGHT, axes(*names), *drawn, *placed)
