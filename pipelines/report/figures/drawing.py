"""What the pictures share: the canvas, axes, marks, and labels that never overlap."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from pipelines.report.markup import Markup, element, join
from pipelines.report.scale import Scale

WIDE, NARROW_WIDTH = 680, 340
"""Widths of a drawing for a desktop and for a phone, in pixels."""

PHONE = 500
"""A narrower drawing is laid out for a phone."""

HEIGHT = 400
"""Height of a plot with two axes."""

LEFT, RIGHT, TOP, BOTTOM = 52, 10, 36, 50
"""Room around such a plot: for the ticks of y, for marks at the edge, for the names of y and x."""

_LETTER, _STRONG_LETTER = 7.3, 7.8
# Mean widths of a letter at the size labels are set in, in pixels, by DejaVu Sans: few are wider.

Draw = Callable[[int], Markup]
"""Draws a picture for a canvas of this many pixels."""


def canvas(width: int, height: float, *content: str) -> Markup:
    """Return the drawing itself; `picture` names it."""
    box = f"0 0 {width} {round(height)}"
    return element("svg", *content, viewbox=box, width=width, height=round(height))


def picture(draw: Draw, name: str, text: str) -> Markup:
    """Return a picture for wide and for narrow pages.

    Parameters
    ----------
    name, text
        Ids of the elements that name and describe it.
    """
    return join(
        *(
            element("div", draw(width), class_=f"picture {kind}", role="img",
                    aria_labelledby=name, aria_describedby=text)
            for kind, width in (("wide", WIDE), ("narrow", NARROW_WIDTH))
        )
    )  # fmt: skip


def text_at(
    x: float, y: float, content: str, class_: str = "label", **attributes: object
) -> Markup:
    """Return text in a drawing."""
    return element("text", content, x=float(x), y=float(y), class_=class_, **attributes)


def line(x1: float, y1: float, x2: float, y2: float, class_: str) -> Markup:
    """Return a straight line."""
    ends = {"x1": float(x1), "y1": float(y1), "x2": float(x2), "y2": float(y2)}
    return element("line", class_=class_, **ends)


def path(places: Sequence[tuple[float, float]], class_: str, **attributes: object) -> Markup:
    """Return a line through these places."""
    d = "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in places)
    return element("path", d=d, class_=class_, **attributes)


def shortened(name: str, most: int) -> str:
    """Return a name, or both ends of a long one: default names differ in their last digits.

    >>> shortened("digits-mlp-a-m20-s5-0a1b2c3d", 20)
    'digits-ml…5-0a1b2c3d'
    """
    half = (most - 1) // 2
    return name if len(name) <= most else f"{name[:half]}…{name[half + 1 - most :]}"


@dataclass(frozen=True)
class Axis:
    """One side of a chart: its scale, its name, and how its ticks are written."""

    scale: Scale
    name: str
    write: Callable[[float], str]
    wanted: int = 5


def axes(x: Axis, y: Axis) -> Markup:
    """Return grid, tick labels and names; the name of y stands above it, unturned."""
    left, right = sorted((x.scale.start, x.scale.end))
    bottom, top = y.scale.start, y.scale.end
    parts = [text_at(left, top - 14, y.name, "axis-name")]
    for tick in y.scale.ticks(y.wanted):
        at = y.scale(tick)
        parts += [
            line(left, at, right, at, "grid"),
            text_at(left - 8, at + 4, y.write(tick), "tick", text_anchor="end"),
        ]
    for tick in x.scale.ticks(x.wanted):
        at = x.scale(tick)
        parts += [
            line(at, bottom, at, bottom + 4, "axis"),
            text_at(at, bottom + 18, x.write(tick), "tick", text_anchor="middle"),
        ]
    parts += [
        line(left, bottom, right, bottom, "axis"),
        text_at(right, bottom + 38, x.name, "axis-name", text_anchor="end"),
    ]
    return element("g", *parts)


def dot(
    x: float, y: float, class_: str, radius: float, tip: str, style: str | None = None
) -> Markup:
    """Return a round mark that answers when touched."""
    place = {"cx": float(x), "cy": float(y), "r": float(radius)}
    return element("circle", **place, class_=class_, data_tip=tip, style=style)


def name_width(name: str, *, strong: bool = False) -> float:
    """Return how wide a name is drawn, about, in pixels, by a wide font among the usual ones."""
    return len(name) * (_STRONG_LETTER if strong else _LETTER)


@dataclass
class Labels:
    """Places labels beside marks where they hide neither marks nor each other.

    Attributes
    ----------
    left, right, top, bottom
        Edges of the room there is.
    """

    left: float
    right: float
    top: float
    bottom: float
    _taken: list[tuple[float, float, float, float]] = field(default_factory=list)

    def keep_clear(self, x: float, y: float, radius: float) -> None:
        """Keep labels off a mark."""
        self._taken.append((x - radius, y - radius, x + radius, y + radius))

    def place(self, x: float, y: float, content: str, class_: str = "label") -> Markup:
        """Return the label at the first free place around a mark; nothing if there is none."""
        width = name_width(content, strong="strong" in class_.split())
        for dx, dy, anchor in _AROUND:
            start = x + dx - {"start": 0.0, "middle": width / 2, "end": width}[anchor]
            box = (start, y + dy - 11, start + width, y + dy + 3)
            if self._free(box):
                self._taken.append(box)
                return text_at(x + dx, y + dy, content, class_, text_anchor=anchor)
        return Markup("")

    def _free(self, box: tuple[float, float, float, float]) -> bool:
        x1, y1, x2, y2 = box
        inside = self.left <= x1 and x2 <= self.right and self.top <= y1 and y2 <= self.bottom
        return inside and all(
            x2 <= a1 or x1 >= a2 or y2 <= b1 or y1 >= b2 for a1, b1, a2, b2 in self._taken
        )


def apart(places: Sequence[float], gap: float, low: float, high: float) -> list[float]:
    """Return places moved until they stand `gap` apart between `low` and `high`, in their order.

    Where there is no room for all, they begin above `low`.

    >>> apart([50, 52, 90], 10, 0, 100)
    [46.0, 56.0, 90.0]
    >>> apart([98, 99], 10, 0, 100)
    [90.0, 100.0]
    """
    order = sorted(range(len(places)), key=lambda k: places[k])
    down, up = [places[k] for k in order], [places[k] for k in order]
    for k in range(1, len(order)):
        down[k] = max(down[k], down[k - 1] + gap)
        up[-k - 1] = min(up[-k - 1], up[-k] - gap)
    found = [0.0] * len(order)
    for k, place in enumerate(order):  # each of the three keeps the gaps, so their mean does
        middle = max((down[k] + up[k]) / 2, low + k * gap)
        found[place] = float(min(middle, high - (len(order) - 1 - k) * gap))
    return found


def plot_labels(width: int) -> Labels:
    """Return the placing of labels in a plot with two axes."""
    return Labels(LEFT, width, TOP - 16, HEIGHT - BOTTOM - 4)


_AROUND = (
    (10.0, 4.0, "start"), (-10.0, 4.0, "end"), (0.0, -11.0, "middle"), (0.0, 20.0, "middle"),
    (10.0, -9.0, "start"), (10.0, 17.0, "start"), (-10.0, -9.0, "end"), (-10.0, 17.0, "end"),
    (10.0, 30.0, "start"), (10.0, -22.0, "start"), (-10.0, 30.0, "end"), (-10.0, -22.0, "end"),
    (0.0, -24.0, "middle"), (0.0, 33.0, "middle"), (10.0, 43.0, "start"), (-10.0, 43.0, "end"),
    (10.0, -35.0, "start"), (-10.0, -35.0, "end"), (0.0, 46.0, "middle"), (0.0, -37.0, "middle"),
)  # fmt: skip
