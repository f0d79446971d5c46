"""Accuracy against the share of units remaining: every run, and the mean with its band."""

from __future__ import annotations

import math

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
)
from pipelines.report.markup import Markup, element
from pipelines.report.number_format import percent, percent_range, percent_tick, ratio
from pipelines.report.scale import Scale, padded_shares
from pipelines.report.section import Section
from pipelines.report.table import plain_table


def pruning_curves(comparison: Comparison) -> Section:
    """Return the figure of the DropNet paper for this run."""
    last, runs = comparison.mean_curve[-1], len(comparison.curves)
    text = (
        "Validation accuracy while DropNet removes units. Each thin line is a run, its dot the "
        "network it handed on. The thick line is the mean over the runs that got so far, its "
        "band a 95\u202f% interval of that mean."
    )
    if last.runs < runs:
        text += (
            f" Only {last.runs} of {runs} runs reached the last point. Where fewer than half are "
            "left, the mean is dotted and has no band: it leaves out the runs that stopped early."
        )
    rows = [
        (ratio(p.remaining), percent(p.accuracy.value), percent_range(p.accuracy), str(p.runs))
        for p in comparison.mean_curve
    ]
    headings = ("Units remaining", "Mean accuracy", "95\u202f% interval", "Runs")
    return Section(
        "Accuracy while units are removed",
        text,
        lambda width: _draw(comparison, width),
        plain_table("Mean validation accuracy, round by round", headings, rows),
    )


def _draw(comparison: Comparison, width: int) -> Markup:
    accuracies = [value for run in comparison.curves for value in run.accuracy]
    firm = comparison.firm_mean_curve
    accuracies += [end for p in firm for end in (p.accuracy.low, p.accuracy.high)]
    least = min(value for run in comparison.curves for value in run.remaining)
    x = Scale(min(least, 0.99) - 0.01, 1.0, width - RIGHT, LEFT)
    y = Scale(*padded_shares(accuracies), HEIGHT - BOTTOM, TOP)
    names = (
        Axis(x, "Units remaining", percent_tick),
        Axis(y, "Accuracy on validation", percent_tick),
    )
    faint = f"opacity: {max(0.1, min(0.45, 9 / len(comparison.curves))):.2f}"
    runs = [
        path([(x(a), y(b)) for a, b in zip(run.remaining, run.accuracy, strict=True)], "run",
             data_tip=f"Run {run.run}", style=faint)
        for run in comparison.curves
    ]  # fmt: skip
    handed_on = [
        dot(x(m.remaining), y(m.val_accuracy), "mark other", 2.5,
            f"Run {m.run} handed on round {m.round}: {ratio(m.remaining)} of its units, "
            f"{percent(m.val_accuracy)} on validation")
        for m in comparison.handed_on
    ]  # fmt: skip
    return canvas(width, HEIGHT, axes(*names), *runs, *_mean(comparison, x, y), *handed_on)


def _mean(comparison: Comparison, x: Scale, y: Scale) -> list[Markup]:
    """Return the mean's line and band as far as at least half of the runs got, dots beyond."""
    points = comparison.mean_curve
    firm = comparison.firm_mean_curve
    parts = [path([(x(p.remaining), y(p.accuracy.value)) for p in firm], "mean")]
    if len(firm) < len(points):
        thin = points[len(firm) - 1 :]
        parts.append(path([(x(p.remaining), y(p.accuracy.value)) for p in thin], "mean few"))
    known = [p for p in firm if math.isfinite(p.accuracy.low)]
    upper = [f"{x(p.remaining):.1f},{y(p.accuracy.high):.1f}" for p in known]
    lower = [f"{x(p.remaining):.1f},{y(p.accuracy.low):.1f}" for p in reversed(known)]
    band = element("polygon", points=" ".join([*upper, *lower]), class_="mean-band")
    return [band, *parts] if known else parts
