"""The pages of the packages: what each offers, lazily and said alike in its three places."""

from __future__ import annotations

import ast
import importlib
import pkgutil
import subprocess
import sys
from pathlib import Path

import pytest

HOUSE = ("pruning", "selection", "ensemble", "pipelines")


def _source(package: str) -> str:
    found = importlib.import_module(package).__file__
    assert found is not None
    return Path(found).read_text(encoding="utf-8")


def _packages() -> list[str]:
    found = []
    for package in HOUSE:
        path = importlib.import_module(package).__path__
        inner = pkgutil.walk_packages(path, prefix=f"{package}.")
        found += [package, *(module.name for module in inner if module.ispkg)]
    return found


PAGES = [
    "dropnet_ensemble",
    *(package for package in _packages() if "lazy_page(" in _source(package)),
]


def _for_type_checkers(page: str) -> dict[str, str]:
    """Return name → module of the imports under ``TYPE_CHECKING``."""
    return {
        alias.name: node.module
        for branch in ast.parse(_source(page)).body
        if isinstance(branch, ast.If) and ast.unparse(branch.test) == "TYPE_CHECKING"
        for node in branch.body
        if isinstance(node, ast.ImportFrom) and node.module is not None
        for alias in node.names
    }


@pytest.mark.parametrize("page", PAGES)
def test_a_page_offers_what_type_checkers_and_readers_are_told(page: str) -> None:
    module = importlib.import_module(page)
    told = _for_type_checkers(page)
    assert sorted(module.__all__) == sorted(told), "__all__ and the imports for type checkers"
    for name, home in told.items():
        assert getattr(module, name) is getattr(importlib.import_module(home), name)
        assert name in dir(module)
    with pytest.raises(AttributeError, match=f"module '{page}' has no attribute 'nothing'"):
        _ = module.nothing


@pytest.mark.parametrize("page", PAGES)
def test_no_name_on_a_page_is_that_of_a_file_beside_it(page: str) -> None:
    module = importlib.import_module(page)
    hidden = {m.name for m in pkgutil.iter_modules(getattr(module, "__path__", []))} & set(
        module.__all__
    )
    assert not hidden, f"importing {page}.{min(hidden, default='')} puts the module in its place"


@pytest.mark.parametrize("page", PAGES)
def test_opening_a_page_loads_none_of_what_it_offers(page: str) -> None:
    homes = sorted(set(_for_type_checkers(page).values()))
    code = (
        f"import sys, {page}\n"
        f"print([m for m in {[*homes, 'torch']!r} if m in sys.modules])\n"
        f"print([n for n in {page}.__all__ if n not in dir({page})])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["[]", "[]"]
