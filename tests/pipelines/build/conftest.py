"""A fixture for tests of builds that are stopped."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from stopped_builds import stopping_at


@pytest.fixture
def epochs(monkeypatch: pytest.MonkeyPatch) -> Callable[[int | None], list[int]]:
    """Return what lets a build be stopped at the end of its n-th epoch, and counts epochs."""

    def stopping(at: int | None) -> list[int]:
        monkeypatch.undo()
        return stopping_at(monkeypatch, at)

    return stopping
