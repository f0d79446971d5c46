"""How often each pair of the pool disagrees, the selected team first."""

from __future__ import annotations

import numpy as np

from pipelines.compare.team_comparison import TeamComparison
from pipelines.report.figures.heatmap import BLUE, Grid, heatmap
from pipelines.report.number_format import percent
from pipelines.report.section import Section
from pipelines.report.table import plain_table

_LISTED = 24


def disagreements(comparison: TeamComparison) -> Section:
    """Return the pairwise disagreement of the pool."""
    found = comparison.chosen.disagreement
    spread = found.spread
    text = (
        "Share of selection samples on which two members of the pool name different classes: "
        f"from {percent(spread.low)} (faint) to {percent(spread.high)} (strong). The first "
        f"{found.selected}, framed, are the selected team; its pairs disagree on "
        f"{percent(found.within_team)} of the samples, pairs of the whole pool on "
        f"{percent(spread.value)}, on average."
    )
    shade = 0.06 + 0.94 * (found.rate - spread.low) / max(spread.high - spread.low, 1e-9)
    np.fill_diagonal(shade, 0)
    colour = np.broadcast_to(np.array(BLUE, np.uint8), (*found.rate.shape, 3)).copy()
    texts = np.char.mod("%.1f", found.rate * 100)
    np.fill_diagonal(texts, "")
    grid = Grid(shade, colour, found.member_ids, texts, framed=found.selected)
    shown = found.member_ids[:_LISTED]
    rows = [
        (name, *(percent(float(found.rate[k, j])) for j in range(min(found.selected, _LISTED))))
        for k, name in enumerate(shown)
    ]
    headings = ("Member", *found.member_ids[: min(found.selected, _LISTED)])
    return Section(
        "How often the members disagree",
        text,
        lambda width: heatmap(grid, width),
        plain_table("Disagreement with the members of the selected team", headings, rows),
        grid=grid,
    )
