"""The selected team's confusion matrix, and the mistakes it makes most."""

from __future__ import annotations

import numpy as np

from pipelines.compare.mistakes import ConfusedPair
from pipelines.compare.team_comparison import TeamComparison
from pipelines.report.figures.heatmap import GREY, ORANGE, Grid, heatmap
from pipelines.report.figures.sample_images import SampleCard, gallery
from pipelines.report.markup import Markup, element
from pipelines.report.number_format import whole
from pipelines.report.section import Section
from pipelines.report.table import plain_table

_SHOWN = 4


def confusions(comparison: TeamComparison) -> Section:
    """Return which classes the selected team takes for which."""
    pairs = comparison.chosen.confusion.pairs
    worst = "It made no mistakes."
    if pairs:
        first = pairs[0]
        worst = (
            f"Most often it takes {comparison.classes[first.true]} for "
            f"{comparison.classes[first.predicted]}: {_times(first.count)}."
        )
    text = (
        "Rows are the true classes, columns what the selected team predicted on test. The "
        f"diagonal, in grey, is right; the rest, in orange, is wrong. {worst}"
    )
    grid = _grid(comparison)
    rows = [
        (comparison.classes[pair.true], comparison.classes[pair.predicted], whole(pair.count))
        for pair in pairs
    ]
    headings = ("True class", "Taken for", "Times")
    return Section(
        "Its mistakes",
        text,
        lambda width: heatmap(grid, width),
        plain_table("The most frequent mistakes", headings, rows) if rows else None,
        element("div", *(_pair(comparison, pair) for pair in pairs), class_="pairs"),
        grid,
    )


def _grid(comparison: TeamComparison) -> Grid:
    counts = comparison.chosen.confusion.counts
    wrong = counts * (1 - np.eye(len(counts), dtype=np.int64))
    right = counts.diagonal() / counts.sum(1).clip(1)
    shade = np.sqrt(wrong / max(1, int(wrong.max())))
    np.fill_diagonal(shade, right * 0.6)
    colour = np.broadcast_to(np.array(ORANGE, np.uint8), (*counts.shape, 3)).copy()
    colour[np.arange(len(counts)), np.arange(len(counts))] = GREY
    texts = np.where(counts > 0, counts.astype(str), "")
    return Grid(shade, colour, comparison.classes, texts, columns=True)


def _pair(comparison: TeamComparison, pair: ConfusedPair) -> Markup:
    true, said = comparison.classes[pair.true], comparison.classes[pair.predicted]
    cards = [
        SampleCard(comparison.chosen.pictures[sample].pixels, "", "",
                   f"Test sample {sample}: true class {true}, taken for {said}")
        for sample in pair.samples[:_SHOWN] if sample in comparison.chosen.pictures
    ]  # fmt: skip
    return gallery(f"{true} taken for {said}, {_times(pair.count)}", cards)


def _times(count: int) -> str:
    return {1: "once", 2: "twice"}.get(count, f"{whole(count)} times")
