"""The candidate teams, diversity against accuracy, the chosen one marked."""

from __future__ import annotations

from collections.abc import Iterable

from pipelines.compare.candidate_teams import Candidates
from pipelines.compare.team_comparison import TeamComparison
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
    plot_labels,
)
from pipelines.report.markup import Markup, element
from pipelines.report.number_format import percent, percent_tick
from pipelines.report.scale import Scale, padded, padded_shares
from pipelines.report.section import Section
from pipelines.report.table import plain_table

_TOUCHED = 60
_LISTED = 20


def candidate_teams(comparison: TeamComparison) -> Section:
    """Return the chosen team among the alternatives on record."""
    found = comparison.chosen.candidates
    title = "The teams it was chosen from"
    if found is None:
        return Section(title, f"The method {comparison.chosen.method} recorded no candidates.")
    if len(found.teams) < 2:
        chosen = " ".join(found.teams[0])
        return Section(title, f"Only one team of this size is on record, the chosen one: {chosen}.")
    standing = int(found.stands.sum())
    text = (
        f"The {len(found.teams)} most accurate teams of this size on record; the method kept "
        f"{standing} to the end. Right is more diverse, up is more accurate on the selection "
        "split. Dark dots were kept, faint ones were dropped on the way; the chosen team is marked."
    )
    rows = [
        ("chosen" if k == 0 else ("kept" if found.stands[k] else "dropped"),
         " ".join(found.teams[k]), percent(float(found.accuracy[k])), f"{found.diversity[k]:.3f}")
        for k in range(min(_LISTED, len(found.teams)))
    ]  # fmt: skip
    headings = ("Outcome", "Members", "Accuracy on select", "Diversity")
    return Section(
        title,
        text,
        lambda width: _draw(found, width),
        plain_table(f"The first {len(rows)} of these teams", headings, rows),
    )


def _draw(found: Candidates, width: int) -> Markup:
    x = Scale(*padded(found.diversity.tolist()), LEFT, width - RIGHT)
    y = Scale(*padded_shares(found.accuracy.tolist()), HEIGHT - BOTTOM, TOP)
    places = [(x(a), y(b)) for a, b in zip(found.diversity, found.accuracy, strict=True)]
    labels = plot_labels(width)
    touched = [
        dot(*places[k], "touch", 6,
            f"{' '.join(found.teams[k])}: {percent(float(found.accuracy[k]))} on select, "
            f"diversity {found.diversity[k]:.3f}")
        for k in range(1, min(_TOUCHED, len(places)))
    ]  # fmt: skip
    names = (
        Axis(x, "Diversity, by the method’s own measure", lambda tick: f"{tick:g}"),
        Axis(y, "Accuracy on select", percent_tick),
    )
    stands = found.stands.tolist()
    return canvas(
        width,
        HEIGHT,
        axes(*names),
        _dots((p for p, stood in zip(places, stands, strict=True) if not stood), "dropped"),
        _dots((p for p, stood in zip(places, stands, strict=True) if stood), "stood"),
        *touched,
        dot(*places[0], "mark selected", 7, f"Chosen: {' '.join(found.teams[0])}"),
        labels.place(*places[0], "Chosen", "label strong halo"),
    )


def _dots(places: Iterable[tuple[float, float]], class_: str) -> Markup:
    """Return many dots as one path: lines of no length, with round ends."""
    d = "".join(f"M{x:.1f} {y:.1f}h0" for x, y in places)
    return element("path", d=d, class_=class_) if d else Markup("")
