"""Rare classes that a team does not recognise are named."""

from __future__ import annotations

import numpy as np
import pytest

from pipelines.compare.class_recall import suffering
from pruning.data.uneven import rare_classes


def test_a_class_is_rare_below_a_quarter_of_an_even_share() -> None:
    assert rare_classes(np.array([100, 100, 10, 5])) == [3, 2]
    assert rare_classes(np.array([90, 10])) == [1]
    assert rare_classes(np.array([75, 25])) == []
    assert rare_classes(np.array([0, 50, 50])) == []


def test_the_least_recognised_comes_first() -> None:
    counts = np.diag([95, 90, 1, 0])
    counts[2, 0], counts[3, 1] = 4, 5
    found = suffering(counts)
    assert [(one.index, one.right, one.samples) for one in found] == [(3, 0, 5), (2, 1, 5)]
    assert found[1].recall.value == pytest.approx(0.2)


@pytest.mark.parametrize(
    "counts",
    [
        [[57, 3], [0, 4]],  # the rare class is recognised best
        [[56, 4], [1, 3]],  # 3 of 4, which is no less beyond chance
        [[10, 40], [45, 5]],  # no class is rare
    ],
)
def test_a_class_that_is_recognised_or_not_rare_does_not_suffer(counts: list[list[int]]) -> None:
    assert suffering(np.array(counts)) == ()
