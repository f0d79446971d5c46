"""How wide each layer was and is: one small chart per selected member."""

from __future__ import annotations

from pipelines.compare.comparison import Comparison
from pipelines.report.figures.drawing import canvas, text_at
from pipelines.report.markup import Markup, element
from pipelines.report.number_format import ratio
from pipelines.report.section import Section
from pipelines.report.table import plain_table
from pipelines.run.records import RoundRecord

_MOST = 12
_STEP = 20
_GAP = 28


def layer_widths(comparison: Comparison) -> Section:
    """Return the widths of the selected members' layers before and after pruning."""
    team = comparison.chosen.members
    shown = team[:_MOST]
    more = f" The first {_MOST} of {len(team)} members are drawn." if len(team) > _MOST else ""
    text = (
        "Units of each layer, one small chart per selected member: the outline is the network "
        f"before pruning, the bar what is left.{more}"
    )
    rows = [
        (f"Run {m.run}, round {m.round}", layer, str(full), str(left))
        for m in team
        for layer, (left, full) in m.widths.items()
    ]
    return Section(
        "What was removed",
        text,
        lambda width: _draw(shown, width),
        plain_table(
            "Units of each layer", ("Member", "Layer", "Units before", "Units after"), rows
        ),
    )


def _draw(team: tuple[RoundRecord, ...], width: int) -> Markup:
    columns = min(len(team), max(1, width // 215))
    cell = (width - _GAP * (columns - 1)) / columns
    parts: list[Markup] = []
    top = 0.0
    for start in range(0, len(team), columns):
        row = team[start : start + columns]
        for k, member in enumerate(row):
            parts.append(_member(member, k * (cell + _GAP), top, cell))
        top += 56 + _STEP * max(len(member.widths) for member in row)
    return canvas(width, top - 16, *parts)


def _member(member: RoundRecord, left: float, top: float, width: float) -> Markup:
    widest = max(full for _, full in member.widths.values())
    name_room, number_room = 62, 62
    unit = (width - name_room - number_room) / widest
    parts = [
        text_at(left, top + 14, f"Run {member.run}, round {member.round}", "label strong"),
        text_at(left + width, top + 14, ratio(member.remaining), "tick", text_anchor="end"),
    ]
    for k, (layer, (units, full)) in enumerate(member.widths.items()):
        y = top + 28 + _STEP * k
        parts += [
            text_at(left, y + 10, _short(layer), "tick"),
            element("rect", x=left + name_room, y=y, width=unit * full, height=12, class_="before"),
            element("rect", x=left + name_room, y=y, width=unit * units, height=12, class_="after"),
            text_at(left + width, y + 10, f"{units}\u2009/\u2009{full}", "tick", text_anchor="end"),
        ]
    return element("g", *parts)


def _short(name: str) -> str:
    return name if len(name) <= 9 else f"…{name[-8:]}"
