"""A matrix as a grid of shades: one small image, so that 200 × 200 cells stay small."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pipelines.report.figures.drawing import canvas, text_at
from pipelines.report.figures.sample_images import data_uri
from pipelines.report.markup import Markup, element

_LABELLED = 24
BLUE, ORANGE, GREY = (59, 139, 216), (216, 106, 26), (128, 132, 140)


@dataclass(frozen=True, eq=False)
class Grid:
    """What a heat map shows.

    Attributes
    ----------
    shade
        (R, R) float64 in 0..1, how strongly each cell is coloured.
    colour
        (R, R, 3) uint8.
    names
        Of the rows and columns.
    texts
        (R, R) what stands in a cell and answers when it is touched.
    columns
        Whether the columns are named too.
    framed
        How many of the first rows and columns a frame holds together.
    """

    shade: NDArray[np.float64]
    colour: NDArray[np.uint8]
    names: tuple[str, ...]
    texts: NDArray[np.str_]
    columns: bool = False
    framed: int = 0


def heatmap(grid: Grid, width: int) -> Markup:
    """Return the grid; small grids carry their names and texts."""
    rows = len(grid.names)
    named = rows <= _LABELLED
    longest = max(len(_short(name)) for name in grid.names) if named else 0
    left = longest * 6.6 + 10 if named else 2
    top = (longest * 6.6 + 10 if grid.columns else 8) if named else 2
    side = min(width - left, 520.0)
    cell = side / rows
    parts = [
        element("image", href=_image(grid, named), x=left, y=top, width=side, height=side,
                preserveaspectratio="none", class_="cells", data_grid=True)
    ]  # fmt: skip
    for k in range(rows if named else 0):
        middle = cell * (k + 0.5)
        name = _short(grid.names[k])
        parts.append(text_at(left - 8, top + middle + 4, name, "tick", text_anchor="end"))
        if grid.columns:
            turn = f"rotate(-90 {left + middle:.1f} {top - 8:.1f})"
            parts.append(text_at(left + middle + 4, top - 8, name, "tick", transform=turn))
    if named and cell >= 7.2 * max(len(str(text)) for text in grid.texts.flat) + 3:
        parts += _texts(grid, left, top, cell)
    if grid.framed:
        parts.append(element("rect", x=left, y=top, width=cell * grid.framed,
                             height=cell * grid.framed, class_="frame"))  # fmt: skip
    return canvas(width, top + side + 4, *parts)


def _texts(grid: Grid, left: float, top: float, cell: float) -> list[Markup]:
    return [
        text_at(left + cell * (c + 0.5), top + cell * (r + 0.5) + 4, str(grid.texts[r, c]), "cell",
              text_anchor="middle")
        for r in range(len(grid.names)) for c in range(len(grid.names)) if str(grid.texts[r, c])
    ]  # fmt: skip


def _image(grid: Grid, written: bool) -> str:
    """Shades are opacity, so that the page shows through in light and in dark."""
    strongest = 0.62 if written else 1.0
    alpha = (grid.shade.clip(0, 1) * strongest * 255).round().astype(np.uint8)
    return data_uri(Image.fromarray(np.dstack([grid.colour, alpha])))


def grid_data(grid: Grid) -> dict[str, object]:
    """Return the attributes that let a touched cell say its value."""
    return {
        "data_names": "|".join(name.replace("|", "/") for name in grid.names),
        "data_values": "|".join(",".join(row) for row in grid.texts.tolist()),
    }


def _short(name: str) -> str:
    return name if len(name) <= 12 else f"{name[:11]}…"
