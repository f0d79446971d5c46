"""Reliability diagram: are predictions of 80 % confidence right 80 % of the time?"""

from __future__ import annotations

import math

from pipelines.compare.contenders import ALL_UNPRUNED, SELECTED
from pipelines.compare.probability_scores import Reliability
from pipelines.compare.team_comparison import TeamComparison
from pipelines.report.contender_names import label
from pipelines.report.figures.drawing import (
    BOTTOM,
    LEFT,
    RIGHT,
    TOP,
    Axis,
    axes,
    canvas,
    dot,
    line,
    path,
)
from pipelines.report.markup import Markup, element
from pipelines.report.number_format import loss, percent, percent_tick, up
from pipelines.report.scale import Scale
from pipelines.report.section import Section
from pipelines.report.table import plain_table

_SIDE = 334


def calibration(comparison: TeamComparison) -> Section:
    """Return confidence against accuracy of the selected team and of all unpruned."""
    selected, everyone = comparison.selected, comparison.everyone
    text = (
        "On the dotted diagonal, predictions of 80\u202f% confidence are right 80\u202f% of the "
        "time; above it the ensemble is too modest, below it too sure. Larger dots hold more "
        "samples. Expected "
        f"calibration error: {loss(selected.losses.ece.value)} for the selected team (filled), "
        f"{loss(everyone.losses.ece.value)} for {_all(comparison)} (open); less is better. "
        f"{_after(comparison)}"
    )
    rows = [
        (label(comparison.row(name)), percent(float(bins.confidence[k])),
         percent(float(bins.accuracy[k])), str(bins.counts[k]))
        for name in (comparison.whole, SELECTED)
        for bins in (comparison.reliability[name],)
        for k in range(len(bins.counts)) if bins.counts[k]
    ]  # fmt: skip
    headings = ("Contender", "Mean confidence", "Accuracy", "Samples")
    return Section(
        "Does it know when it is sure?",
        text,
        lambda width: _draw(comparison, width),
        plain_table("Confidence and accuracy on test, bin by bin", headings, rows),
    )


def _all(comparison: TeamComparison) -> str:
    return "all unpruned" if comparison.whole == ALL_UNPRUNED else "all members"


def _after(comparison: TeamComparison) -> str:
    """Return the calibration errors at the fitted temperature; the figure is without it."""
    selected, everyone = comparison.selected, comparison.everyone
    if selected.calibrated is None or everyone.calibrated is None:
        return ""
    applied = ", which the artefact applies" if comparison.chosen.members else ""
    return (
        f"After the temperature fitted on the selection split ({up(selected.temperature or 1, 3)} "
        f"for the team){applied}: {loss(selected.calibrated.ece.value)} and "
        f"{loss(everyone.calibrated.ece.value)}."
    )


def _draw(comparison: TeamComparison, width: int) -> Markup:
    side = min(width - LEFT - RIGHT, _SIDE)
    x, y = Scale(0, 1, LEFT, LEFT + side), Scale(0, 1, TOP + side, TOP)
    names = (
        Axis(x, "Confidence", percent_tick),
        Axis(y, "Accuracy on test", percent_tick),
    )
    curves = [
        _curve(comparison.reliability[name], x, y, kind, label(comparison.row(name)))
        for name, kind in zip((comparison.whole, SELECTED), ("reference", "selected"), strict=True)
    ]
    diagonal = line(x(0), y(0), x(1), y(1), "diagonal")
    return canvas(width, TOP + side + BOTTOM, axes(*names), diagonal, *curves)


def _curve(bins: Reliability, x: Scale, y: Scale, kind: str, name: str) -> Markup:
    filled = [k for k in range(len(bins.counts)) if bins.counts[k]]
    total = int(bins.counts.sum())
    places = [(x(float(bins.confidence[k])), y(float(bins.accuracy[k]))) for k in filled]
    dots = [
        dot(*at, f"mark {kind}", 2.5 + 7 * math.sqrt(int(bins.counts[k]) / total),
            f"{name}: {bins.counts[k]} samples at confidence "
            f"{percent(float(bins.confidence[k]))}, {percent(float(bins.accuracy[k]))} right")
        for k, at in zip(filled, places, strict=True)
    ]  # fmt: skip
    return element("g", path(places, f"curve {kind}"), *dots)
