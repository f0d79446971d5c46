"""What docstrings, comments and pages name is there."""

from __future__ import annotations

import importlib
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("pruning", "selection", "ensemble", "pipelines")
NAME = re.compile(rf"`((?:{'|'.join(PACKAGES)})(?:\.\w+)+)`")
FILE = re.compile(r"[`(]((?:\.\./)*(?:\w[\w-]*/)+[\w.-]+\.(?:py|md|png|mjs))[`)#]")
PAGES = sorted(path.relative_to(ROOT).as_posix() for path in
               (*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")))  # fmt: skip
HERE = [path for folder in (*PACKAGES, "tests", "benchmarks", "docs", "results")
        for path in (ROOT / folder).rglob("*")]  # fmt: skip


def _names() -> list[str]:
    found: set[str] = set()
    for package in PACKAGES:
        for path in (ROOT / package).rglob("*.py"):
            found |= set(NAME.findall(path.read_text(encoding="utf-8")))
    return sorted(name for name in found if not name.endswith(".json"))


def _leads_somewhere(name: str) -> bool:
    parts = name.split(".")
    for length in range(len(parts), 0, -1):
        try:
            found = importlib.import_module(".".join(parts[:length]))
        except ModuleNotFoundError:
            continue
        for part in parts[length:]:
            if part in getattr(found, "__annotations__", {}):
                return True  # a field without a default
            if not hasattr(found, part):
                return False
            found = getattr(found, part)
        return True
    return False


@pytest.mark.parametrize("name", _names())
def test_what_a_docstring_names_is_there(name: str) -> None:
    assert _leads_somewhere(name)


@pytest.mark.parametrize("page", PAGES)
def test_what_a_page_names_is_there(page: str) -> None:
    text = re.sub(r"```.*?```", "", (ROOT / page).read_text(encoding="utf-8"), flags=re.DOTALL)
    for name in FILE.findall(text):
        beside = ((ROOT / page).parent / name).exists()
        ending = any(path.as_posix().endswith(f"/{name}") for path in HERE)
        assert beside or ending, f"{page} names {name}"
