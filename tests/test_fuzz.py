"""A little of what ``benchmarks/reliability/fuzz.py`` asks for minutes, always the same."""

from __future__ import annotations

from pathlib import Path

import pytest
from fuzzing import KINDS, scratch
from hypothesis import HealthCheck, Phase, given, settings

EXAMPLES = {"arguments": 25, ".npz files": 25, "images": 100, "manifests": 60}


@pytest.mark.parametrize("name", KINDS)
def test_whatever_is_asked_gets_an_answer_or_a_line(name: str, tmp_path: Path) -> None:
    place, kind, seen = scratch(tmp_path), KINDS[name], set()

    @settings(
        max_examples=EXAMPLES[name], derandomize=True, deadline=None, database=None,
        phases=(Phase.generate,), suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(kind.examples)
    def ask(example: object) -> None:
        seen.add(kind.check(place, example))

    ask()
    assert "refused" in seen
