"""Counts of who errs and who agrees with whom, on sets of samples.

Every measure but the entropy is a function of these counts: they are made once, and a
team's value is then a few look-ups.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pruning.core.products import product

Array = NDArray[np.float64]

EXACT = 2**24
"""Integers up to here are exact in float32, and so are sums of as many ones."""


@dataclass(frozen=True, eq=False)
class SampleSets:
    """F sets of samples, and what the M members predict on them.

    Counts are whole numbers held as float64: their sums are exact in any order.

    Attributes
    ----------
    predictions
        (M, N) int, predicted labels.
    labels
        (N,) int, true labels.
    sets
        (F, N) bool: which samples each set holds.
    """

    predictions: NDArray[np.integer[Any]]
    labels: NDArray[np.integer[Any]]
    sets: NDArray[np.bool_]

    @classmethod
    def whole(cls, predictions: NDArray[Any], labels: NDArray[Any]) -> SampleSets:
        """Return the one set of all samples."""
        return cls(predictions, labels, np.ones((1, len(labels)), bool))

    @classmethod
    def negatives(cls, predictions: NDArray[Any], labels: NDArray[Any]) -> SampleSets:
        """Return M sets: the samples each member gets wrong.

        Samples nobody gets wrong are in no set, and are left out of the counting.
        """
        wrong = predictions != labels
        some = wrong.any(0)
        return cls(predictions[:, some], labels[some], wrong[:, some])

    @cached_property
    def wrong_mask(self) -> NDArray[np.bool_]:
        """(M, N) whether each member errs."""
        mask: NDArray[np.bool_] = self.predictions != self.labels
        return mask

    @cached_property
    def samples(self) -> Array:
        """(F,) how many samples each set holds."""
        number: Array = self.sets.sum(1).astype(np.float64)
        return number

    @cached_property
    def wrong(self) -> Array:
        """(F, M) how many of a set's samples member i errs on."""
        return self._count(self.wrong_mask).T

    @cached_property
    def both_wrong(self) -> Array:
        """(F, M, M) samples on which i and j both err."""
        mask = self.wrong_mask
        return np.stack([self._count(mask & row) for row in mask], -1).swapaxes(0, 1)

    @cached_property
    def same(self) -> Array:
        """(F, M, M) samples for which i and j predict the same label."""
        labels = self.predictions
        return np.stack([self._count(labels == row) for row in labels], -1).swapaxes(0, 1)

    @cached_property
    def class_products(self) -> Array:
        """(F, M, M) Σ over classes of (i predicts c) × (j predicts c), each a count."""
        classes = np.unique(self.predictions) if self.predictions.size else np.zeros(1, int)
        counts = np.stack([self._count(self.predictions == c).T for c in classes], -1)
        products: Array = product(counts, counts.swapaxes(1, 2))
        return products

    def _count(self, mask: NDArray[np.bool_]) -> Array:
        """Return (M, F) how many of each set's samples `mask` (M, N) marks."""
        kind = np.float32 if len(self.labels) <= EXACT else np.float64
        found = product(mask.astype(kind), self._set_matrix.astype(kind, copy=False))
        counts: Array = found.astype(np.float64)
        return counts

    @cached_property
    def _set_matrix(self) -> NDArray[Any]:
        kind = np.float32 if len(self.labels) <= EXACT else np.float64
        return np.ascontiguousarray(self.sets.T.astype(kind))
