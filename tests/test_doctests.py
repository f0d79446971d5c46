"""Every example in a docstring runs."""

from __future__ import annotations

import doctest
import importlib
import importlib.util
import pkgutil
from pathlib import Path

import pytest


def _modules() -> list[str]:
    """Return the modules that have an example; each begins with ``>>>``."""
    names: list[str] = []
    for package in ("pruning", "selection", "ensemble", "pipelines"):
        path = importlib.import_module(package).__path__
        for module in pkgutil.walk_packages(path, prefix=f"{package}."):
            spec = importlib.util.find_spec(module.name)
            assert spec is not None and spec.origin is not None
            if ">>> " in Path(spec.origin).read_text(encoding="utf-8"):
                names.append(module.name)
    return names


@pytest.mark.parametrize("name", _modules())
def test_examples(name: str) -> None:
    module = importlib.import_module(name)
    flags = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS
    found = doctest.testmod(module, optionflags=flags)
    assert found.failed == 0
    assert found.attempted > 0
