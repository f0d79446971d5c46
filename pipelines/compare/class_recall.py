"""How many samples of its rare classes a team recognises."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipelines.compare.interval import Interval
from pipelines.compare.mean_intervals import wilson
from pruning.data.uneven import rare_classes


@dataclass(frozen=True)
class ClassRecall:
    """How much of a class is recognised.

    Attributes
    ----------
    index
        Of the class.
    right, samples
        Test samples of it that are recognised, and that there are.
    """

    index: int
    right: int
    samples: int

    @property
    def recall(self) -> Interval:
        """The share recognised."""
        return wilson(self.right, self.samples)


def suffering(counts: NDArray[np.int64]) -> tuple[ClassRecall, ...]:
    """Return the rare classes whose recall is below the accuracy beyond chance, lowest first.

    Parameters
    ----------
    counts
        (C, C), rows are the true classes, columns the predicted ones.

    >>> suffering(np.array([[29, 0], [1, 0]]))
    (ClassRecall(index=1, right=0, samples=1),)
    """
    accuracy = counts.trace() / counts.sum()
    sizes = counts.sum(1)
    rare = [ClassRecall(c, int(counts[c, c]), int(sizes[c])) for c in rare_classes(sizes)]
    low = [one for one in rare if one.recall.high < accuracy]
    return tuple(sorted(low, key=lambda one: one.recall.value))
