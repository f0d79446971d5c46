"""The pages of published claims from their runs, the table of all claims, and README's from it.

    python docs/draw_results.py          # writes them anew
    python docs/draw_results.py --check  # names what is out of date

What is still open stands in results/reproduction/README.md alone; README says how much that is.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from pipelines.reproduction.claims import CLAIMS
from pipelines.reproduction.reading import write_page, write_table

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "README.md"
REPRODUCTION = Path("results", "reproduction")
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


def draw(root: Path) -> None:
    """Write all pages of a folder that holds README and the runs."""
    claims, folder = {name: CLAIMS[name] for name in CLAIMS}, root / REPRODUCTION
    for name, claim in claims.items():
        if (folder / name).is_dir():
            write_page(name, claim, folder / name)
    write_table(claims, folder)
    page, table = root / PAGE.name, (folder / "README.md").read_text(encoding="utf-8")
    page.write_text(page_with(drawn(table), page.read_text(encoding="utf-8")), encoding="utf-8")


def out_of_date() -> list[Path]:
    """Return which files would be drawn otherwise than they are."""
    with tempfile.TemporaryDirectory() as there:
        fresh = Path(there)
        shutil.copy(PAGE, fresh)
        shutil.copytree(ROOT / REPRODUCTION, fresh / REPRODUCTION)
        draw(fresh)
        files = [path.relative_to(fresh) for path in fresh.rglob("*") if path.is_file()]
        return [
            file
            for file in sorted(files)
            if not (ROOT / file).is_file()
            or (ROOT / file).read_bytes() != (fresh / file).read_bytes()
        ]


def main() -> int:
    """Write everything anew, or name what is out of date."""
    if "--check" not in sys.argv:
        draw(ROOT)
        return 0
    stale = out_of_date()
    for file in stale:
        print(f"{file} is out of date; run docs/draw_results.py")
    return int(bool(stale))


if __name__ == "__main__":
    sys.exit(main())
