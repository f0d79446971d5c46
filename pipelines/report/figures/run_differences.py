"""Several runs: each selected team against its own unpruned networks, one line each."""

from __future__ import annotations

from collections.abc import Sequence

from pipelines.compare.comparison import Comparison
from pipelines.compare.contenders import ALL_UNPRUNED
from pipelines.compare.paired_tests import PairedTest
from pipelines.report.figures.drawing import PHONE, canvas, dot, line, shortened, text_at
from pipelines.report.markup import Markup, element
from pipelines.report.number_format import points, points_range, ratio, tick
from pipelines.report.scale import Scale, padded
from pipelines.report.section import Section


def run_differences(comparisons: Sequence[Comparison]) -> Section:
    """Return the differences in accuracy from top to bottom, 0 as a line through them."""
    text = (
        "Accuracy of each run’s selected team less that of all its unpruned networks, on its own "
        "test split, with the paired 95\u202f% interval. Right of the line the team is better."
    )
    return Section("Run by run", text, lambda width: _draw(comparisons, width))


def _draw(comparisons: Sequence[Comparison], width: int) -> Markup:
    phone = width < PHONE
    step, top = (44, 40) if phone else (30, 40)
    bottom = top + step * len(comparisons)
    tests = [against_all(comparison) for comparison in comparisons]
    ends = [100 * end for test in tests for end in (test.difference.low, test.difference.high)]
    left, right = (8, width - 62) if phone else (230, width - 80)
    scale = Scale(*padded([*ends, 0.0], 0.04), left, right)
    parts = [
        text_at(left, 14, "Points to all unpruned", "axis-name"),
        text_at(width, 14, "FLOPs of all", "axis-name", text_anchor="end"),
    ]
    for at in scale.ticks(4 if phone else 6):
        parts.append(line(scale(at), top - 4, scale(at), bottom - 4, "grid"))
        parts.append(text_at(scale(at), bottom + 14, tick(at), "tick", text_anchor="middle"))
    parts.append(line(scale(0), top - 4, scale(0), bottom - 4, "reference-line"))
    for k, (comparison, test) in enumerate(zip(comparisons, tests, strict=True)):
        middle = top + step * k + step / 2 - 4
        at = middle + 9 if phone else middle
        gap = test.difference
        begin, level = (scale.start, at - 11) if phone else (0.0, middle + 4)
        tip = f"{comparison.name}: {points(gap.value)} points, {points_range(gap)}"
        parts.append(
            element(
                "g",
                text_at(begin, level, shortened(comparison.name, 32), "label halo"),
                line(scale(100 * gap.low), at, scale(100 * gap.high), at, "whisker mark selected"),
                dot(scale(100 * gap.value), at, "mark selected", 5, tip),
                text_at(width, at + 4, ratio(comparison.selected.ratios.flops), text_anchor="end"),
                data_tip=tip,
            )
        )
    return canvas(width, bottom + 24, *parts)


def against_all(comparison: Comparison) -> PairedTest:
    """Return the selected team's test against all unpruned networks."""
    test = comparison.selected.versus(ALL_UNPRUNED)
    if test is None:
        raise ValueError(f"{comparison.name}: the selected team was not tested")
    return test
