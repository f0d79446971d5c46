"""A pytest plugin: of parametrized tests only those of the plug-ins that recipes add."""

from __future__ import annotations

import os

import pytest

NAMES = "ENSEMBLE_RECIPES"
"""The environment variable that lists the plug-ins' names."""


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    names = os.environ[NAMES].split()
    wanted = [
        item for item in items
        if not hasattr(item, "callspec") or any(name in item.name for name in names)
    ]  # fmt: skip
    config.hook.pytest_deselected(items=[item for item in items if item not in wanted])
    items[:] = wanted
