"""A figure of a reproduction: all curves in one plot, and each beside the published one."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from pipelines.report.figures.drawing import Axis, axes, canvas, path, text_at
from pipelines.report.markup import Markup, element, join
from pipelines.report.number_format import percent_tick
from pipelines.report.scale import Scale
from pipelines.reproduction.found import FoundCurve, FoundFigure

WIDTH, COLUMNS = 900, 3
PLOT, PANEL = 380, 250
"""Heights of the plot of all curves and of one panel, in pixels."""

LABELS = 150
"""Room for the names beside the plot of all curves."""

LINE = 15
"""Height of a label."""

COLOURS = {
    "minimum": "#0a5ca8", "minimum_layer": "#3a9bdc", "random": "#5d6470",
    "random_layer": "#9aa1ad", "maximum": "#b04a00", "maximum_layer": "#e38b3d",
    "oracle": "#16794c", "redrawn": "#8a3ea0", "maximum_kept": "#8f7a00",
    "minimum_shuffled": "#008c8c",
}  # fmt: skip
"""A metric has the same colour in every figure."""

OTHERS = (
    "#0a5ca8", "#16794c", "#8a3ea0", "#b04a00", "#5d6470", "#3a9bdc", "#bd7bd0", "#e38b3d",
)  # fmt: skip

STYLE = """
svg { background: #fff; font-family: system-ui, sans-serif; }
text { font-size: 12.5px; fill: #1b1d22; }
.tick, .axis-name { fill: #565b66; } .tick { font-size: 12px; }
.title { font-weight: 600; font-size: 14px; } .small { font-size: 11.5px; fill: #565b66; }
.grid { stroke: #e3e4e1; } .axis { stroke: #767b85; }
.here { fill: none; stroke-width: 2.5; stroke-linejoin: round; }
.theirs { fill: none; stroke: #1b1d22; stroke-width: 1.5; stroke-dasharray: 5 4; }
.ours { fill: none; stroke-width: 1.5; stroke-dasharray: 1 3.5; stroke-linecap: round; }
.spread { opacity: .16; }
.leader { stroke: #c9ccd1; }
"""


def draw(found: FoundFigure, note: str = "") -> Markup:
    """Return a figure as a standalone SVG.

    Parameters
    ----------
    found
        With one curve at least.
    note
        A line below the title, such as what the data are.
    """
    curves = found.as_published or tuple(found.curves.values())
    rows = -(-len(curves) // COLUMNS)
    height = 60 + PLOT + rows * PANEL + 10
    parts = [
        element("style", Markup(STYLE)),
        text_at(12, 22, found.figure.title, "title"),
        text_at(12, 40, note, "small"),
        element("g", _all(curves), transform="translate(0 60)"),
    ]
    side = WIDTH / COLUMNS
    for i, curve in enumerate(curves):
        where = f"translate({i % COLUMNS * side:.0f} {60 + PLOT + i // COLUMNS * PANEL})"
        panel = _panel(curve, found.ours(curve.name), colour(curve.name, i), side)
        parts.append(element("g", panel, transform=where))
    drawing = canvas(WIDTH, height, *parts)
    return Markup(drawing.replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" ', 1))


def colour(name: str, place: int) -> str:
    """Return a metric's colour, or one by its place in the figure."""
    return COLOURS.get(name, OTHERS[place % len(OTHERS)])


def _all(curves: Sequence[FoundCurve]) -> Markup:
    """Draw the means here, named at their ends."""
    x, y = _scales(curves, WIDTH - LABELS, PLOT)
    names = "Units remaining", "Test accuracy by the published recipe, here"
    drawn = [axes(Axis(x, names[0], percent_tick), Axis(y, names[1], percent_tick))]
    ends = [y(float(curve.mean[-1])) for curve in curves]
    for i, (curve, place) in enumerate(zip(curves, spread_out(ends, LINE), strict=True)):
        tone = colour(curve.name, i)
        end = x(float(curve.remaining[-1]))
        drawn += [
            _band(curve, x, y, tone),
            _mean(curve, x, y, tone, "here"),
            path([(end + 3, ends[i]), (WIDTH - LABELS + 16, place)], "leader"),
            text_at(WIDTH - LABELS + 20, place + 4, curve.name, "label", style=f"fill: {tone}"),
        ]
    return join(*drawn)


def spread_out(places: Sequence[float], least: float) -> list[float]:
    """Return places moved apart, their order kept, until `least` lies between neighbours.

    >>> spread_out([10.0, 12.0, 100.0], 10.0)
    [6.0, 16.0, 100.0]
    """
    order = np.argsort(places, kind="stable")
    groups: list[list[float]] = []  # centre of each cluster, and its size
    for place in np.asarray(places)[order]:
        groups.append([float(place), 1.0])
        while len(groups) > 1:
            (a, n), (b, m) = groups[-2:]
            if b - a >= least * (n + m) / 2:
                break
            groups[-2:] = [[(a * n + b * m) / (n + m), n + m]]
    moved = [
        centre + (i - (size - 1) / 2) * least for centre, size in groups for i in range(int(size))
    ]
    result = [0.0] * len(moved)
    for place, index in zip(moved, order, strict=True):
        result[index] = place
    return [round(place, 1) for place in result]


def _panel(curve: FoundCurve, ours: FoundCurve | None, tone: str, width: float) -> Markup:
    """Draw one curve beside the published one, and beside the project's own recipe."""
    shown = [curve, *([ours] if ours else [])]
    x, y = _scales(shown, width, PANEL)
    drawn = [
        axes(Axis(x, "", percent_tick, 4), Axis(y, curve.name, percent_tick, 4)),
        _band(curve, x, y, tone),
        _mean(curve, x, y, tone, "here"),
    ]
    keys = [("here", f"stroke: {tone}", "here")]
    if ours:
        drawn += [_band(ours, x, y, "#16794c"), _mean(ours, x, y, "#16794c", "ours")]
        keys.append(("ours", "stroke: #16794c", "our recipe"))
    if (published := curve.published) is not None:
        pairs = zip(published.remaining, published.accuracy, strict=True)
        drawn.append(path([(x(a), y(b)) for a, b in pairs if a > x.low - 1e-3], "theirs"))
        keys.append(("theirs", "", "published"))
    for i, (kind, style, name) in enumerate(keys):
        at = PANEL - 62 - LINE * (len(keys) - 1 - i)
        drawn += [
            path([(62, at), (88, at)], kind, style=style),
            text_at(93, at + 4, name, "small"),
        ]
    return join(*drawn)


def _scales(curves: Sequence[FoundCurve], width: float, height: int) -> tuple[Scale, Scale]:
    least = min(float(curve.remaining[-1]) for curve in curves)
    return Scale(least, 1.0, width - 14, 52), Scale(0.0, 1.0, height - 44, 34)


def _mean(curve: FoundCurve, x: Scale, y: Scale, tone: str, kind: str) -> Markup:
    places = [(x(float(a)), y(float(b))) for a, b in zip(curve.remaining, curve.mean, strict=True)]
    return path(places, kind, style=f"stroke: {tone}")


def _band(curve: FoundCurve, x: Scale, y: Scale, tone: str) -> Markup:
    high = np.minimum(curve.mean + curve.half_width, 1.0)
    low = np.maximum(curve.mean - curve.half_width, 0.0)

    def places(values: NDArray[np.float64]) -> list[str]:
        pairs = zip(curve.remaining, values, strict=True)
        return [f"{x(float(a)):.1f},{y(float(b)):.1f}" for a, b in pairs]

    outline = " ".join([*places(high), *reversed(places(low))])
    return element("polygon", points=outline, class_="spread", style=f"fill: {tone}")
