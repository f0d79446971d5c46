"""The list of rooms and modules in architecture.md, made of the modules' own first lines.

    python docs/list_rooms.py          # writes it anew
    python docs/list_rooms.py --check  # says whether it is up to date

What a module is for stands in its docstring, once; this page repeats it.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "architecture.md"
PACKAGES = ("pruning", "selection", "ensemble", "pipelines")
HOUSE = ROOT / "tests" / "test_house.py"
BEGIN, END = "<!-- rooms: begin -->", "<!-- rooms: end -->"


def rooms() -> str:
    """Return the list as Markdown: a table per room, a row per module."""
    parts = [part for package in PACKAGES for part in _package(ROOT / package)]
    return "\n".join([BEGIN, "", *parts, END])


def page_with(text: str, page: str) -> str:
    """Return the page with its list replaced by `text`."""
    before, _, rest = page.partition(BEGIN)
    _, found, after = rest.partition(END)
    if not found:
        raise ValueError(f"{PAGE} has no {BEGIN} … {END}")
    return before + text + after


def _package(folder: Path) -> Iterator[str]:
    yield f"### `{folder.name}/`\n"
    yield f"{_first_line(folder / '__init__.py')}\n"
    for room in _floors()[folder.name]:
        if (folder / room).is_dir():
            inside = (folder / room).rglob("__init__.py")
            for place in sorted({folder / room, *(page.parent for page in inside)}):
                name, about = f"{place.relative_to(ROOT)}/", _first_line(place / "__init__.py")
                files = [path for path in sorted(place.glob("*.py")) if path.stem != "__init__"]
                yield from _table(name, about, files)
        else:
            yield from _table(f"{folder.name}/{room}.py", _first_line(folder / f"{room}.py"), [])


def _floors() -> dict[str, tuple[str, ...]]:
    """Return the rooms of each folder in the order in which the test holds them."""
    for node in ast.parse(HOUSE.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.AnnAssign) and ast.unparse(node.target) == "FLOORS":
            found: dict[str, tuple[str, ...]] = ast.literal_eval(ast.unparse(node.value))
            return found
    raise ValueError(f"{HOUSE} names no FLOORS")


def _table(name: str, about: str, files: list[Path]) -> Iterator[str]:
    yield f"| `{name}` | {about} |"
    yield "|---|---|"
    yield from (f"| `{path.name}` | {_first_line(path)} |" for path in files)
    yield ""


def _first_line(path: Path) -> str:
    text = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    return " ".join(text.split("\n\n")[0].split()).replace("``", "`").replace("|", r"\|")


def main() -> int:
    """Write the list, or with ``--check`` only say whether it is right."""
    page = PAGE.read_text(encoding="utf-8")
    wanted = page_with(rooms(), page)
    if "--check" in sys.argv[1:]:
        if page != wanted:
            print(f"{PAGE}: the list of rooms is out of date; python docs/list_rooms.py")
        return int(page != wanted)
    PAGE.write_text(wanted, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
