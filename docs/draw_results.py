"""README's table of published claims, drawn from the table of all claims in results.

    python docs/draw_results.py          # writes it anew
    python docs/draw_results.py --check  # says whether it is up to date

What is still open stands in results/reproduction/README.md alone; README says how much that is.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "README.md"
TABLE = ROOT / "results" / "reproduction" / "README.md"
BEGIN, END = "<!-- claims: begin -->", "<!-- claims: end -->"
COLUMNS = ("Claim", "Figure", "Runs", "Curves that agree", "Order as published, or finding")
BETWEEN = ": "
"""Parts a claim, which several figures may share, from what one of them is of."""


def drawn(table: str) -> str:
    """Return README's part, made of the table of all claims."""
    lines = [line for line in table.splitlines() if line.startswith("|")]
    heads, _, *rows = [[cell.strip() for cell in line.strip("| ").split(" | ")] for line in lines]
    made = [dict(zip(heads, row, strict=False)) for row in rows]
    run = [row for row in made if row["Runs"] != "open"]
    told = ["| " + " | ".join(cells) + " |" for cells in _claims_said_once(run)]
    left = f"{len(made) - len(run)} of {len(made)} are still open, most for want of a card."
    return "\n".join(
        [BEGIN, "", "| " + " | ".join(COLUMNS) + " |", "|:--" * len(COLUMNS) + "|", *told, "", left,
         "", END]
    )  # fmt: skip


def _claims_said_once(rows: list[dict[str, str]]) -> Iterator[list[str]]:
    """Yield cells of the rows; what a figure is of stands beside its link, its claim once."""
    last = ""
    for row in rows:
        claim, _, of = row["Claim"].partition(BETWEEN)
        figure = f"{_linked(row['Figure'])}{BETWEEN}{of}"
        others = (row.get(column, "") for column in COLUMNS[2:])
        yield ["" if claim == last else claim, figure, *others]
        last = claim


def page_with(text: str, page: str) -> str:
    """Return the page with its table replaced by `text`."""
    before, _, rest = page.partition(BEGIN)
    _, found, after = rest.partition(END)
    if not found:
        raise ValueError(f"{PAGE} has no {BEGIN} … {END}")
    return before + text + after


def _linked(cell: str) -> str:
    """Return a cell whose links lead on from README's place."""
    return cell.replace("](", "](results/reproduction/")


def main() -> int:
    """Write README anew, or say whether it is what it would be."""
    page = PAGE.read_text(encoding="utf-8")
    wanted = page_with(drawn(TABLE.read_text(encoding="utf-8")), page)
    if "--check" in sys.argv:
        return int(page != wanted)
    PAGE.write_text(wanted, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
