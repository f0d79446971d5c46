"""Comparisons to report."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from evidence_support import with_everything

from pipelines.compare.comparison import Comparison
from pipelines.compare.evidence import Evidence
from pipelines.compare.from_evidence import comparison_of


@pytest.fixture(scope="session")
def comparison(make_evidence: Callable[..., Evidence]) -> Comparison:
    """A run of ordinary size."""
    evidence = make_evidence(members=8, size=3, classes=4, samples=300)
    return comparison_of(evidence, command="ensemble build --m 8 --s 3")


@pytest.fixture(scope="session")
def ruined(make_evidence: Callable[..., Evidence]) -> Comparison:
    """A run in which pruning went too far."""
    evidence = make_evidence(
        members=6, size=3, classes=4, samples=500, loss_by_pruning=0.8, name="too_far <b>"
    )
    return comparison_of(evidence)


@pytest.fixture(scope="session")
def everything(make_evidence: Callable[..., Evidence]) -> Comparison:
    """A run with a control, its other forms, and all of it measured."""
    return with_everything(make_evidence(members=8, size=3, classes=4, samples=300))
