"""Evidence for tests of the comparison and its report."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from evidence_support import synthetic_evidence

from pipelines.compare.evidence import Evidence


@pytest.fixture(scope="session")
def make_evidence() -> Callable[..., Evidence]:
    """Return the builder, for tests that want their own size."""
    return synthetic_evidence
