"""Several runs: accuracy against the share of units remaining, one mean line per run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pipelines.compare.comparison import Comparison
from pipelines.report.figures.drawing import (
    BOTTOM,
    HEIGHT,
    LEFT,
    PHONE,
    RIGHT,
    TOP,
    Axis,
    apart,
    axes,
    canvas,
    dot,
    name_width,
    path,
    shortened,
    text_at,
)
from pipelines.report.markup import Markup, element
from pipelines.report.number_format import percent, percent_range, percent_tick, ratio
from pipelines.report.scale import Scale, padded_shares
from pipelines.report.section import Section
from pipelines.report.table import plain_table

_COLOURS = ("accent", "second", "green", "violet", "rose", "ink")
_DASHES = ("none", "7 4", "2 3", "10 4 2 4", "4 2 1 2", "14 5")
"""Lines are told apart by colour and dashes, and named where they end."""

_GAP = 16.0
"""Between names, from line to line."""

_SAMPLE = 18.0
"""Length of the piece of line before a name."""


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
    names = [shortened(one.name, 14 if width < PHONE else 24) for one in comparisons]
    height = max(HEIGHT, TOP + BOTTOM + _GAP * len(names))
    right = width - RIGHT - name_width(max(names, key=len)) - _SAMPLE - 22
    x = Scale(min(*(p.remaining for p in every), 0.99) - 0.01, 1.0, right, LEFT)
    y = Scale(*padded_shares([p.accuracy.value for p in every]), height - BOTTOM, TOP)
    sides = (
        Axis(x, "Units remaining", percent_tick, 3 if width < PHONE else 5),
        Axis(y, "Accuracy on validation", percent_tick),
    )
    ends = [(x(line[-1].remaining), y(line[-1].accuracy.value)) for line in lines]
    levels = apart([end[1] for end in ends], _GAP, TOP, height - BOTTOM)
    drawn = [
        _curve(comparisons[k], k, x, y, Named(names[k], right, levels[k]))
        for k in reversed(range(len(lines)))  # the first run's on top
    ]
    return canvas(width, height, axes(*sides), *drawn)


@dataclass(frozen=True)
class Named:
    """A line's name, and where it stands: right of the plot, at a height of its own."""

    name: str
    left: float
    level: float


def _curve(one: Comparison, place: int, x: Scale, y: Scale, named: Named) -> Markup:
    """Return a run's line, its dots, and its name, joined to where the line ends."""
    colours, dashes = len(_COLOURS), len(_DASHES)
    stroke = f"stroke: var(--{_COLOURS[place % colours]})"
    dashed = f"{stroke}; stroke-dasharray: {_DASHES[(place + place // colours) % dashes]}"
    places = [(x(p.remaining), y(p.accuracy.value)) for p in one.firm_mean_curve]
    fill = "var(--paper)" if place % 2 else f"var(--{_COLOURS[place % colours]})"
    marks = [
        dot(*at, "mark series", 3,
            f"{one.name}: {percent(p.accuracy.value)} with {ratio(p.remaining)} of the "
            f"units, {p.runs} networks", style=f"{stroke}; fill: {fill}")
        for at, p in zip(places, one.firm_mean_curve, strict=True)
    ]  # fmt: skip
    begin = named.left + 14
    sample = [(begin, named.level), (begin + _SAMPLE, named.level)]
    return element(
        "g",
        path([places[-1], (named.left + 2, places[-1][1]), sample[0]], "leader", style=stroke),
        path(places, "series", style=dashed),
        path(sample, "series", style=dashed),
        *marks,
        text_at(begin + _SAMPLE + 5, named.level + 4, named.name),
        data_tip=one.name,
    )
