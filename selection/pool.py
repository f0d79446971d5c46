"""Validated predictions of a pool on one split: what every selection method reads."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pruning.core.errors import RequestError


@dataclass(frozen=True)
class PoolPredictions:
    """Class probabilities of M networks on the N samples of one split.

    Attributes
    ----------
    probabilities
        (M, N, C) float32; each row finite, non-negative, summing to 1 within 1e-3.
    labels
        (N,) int64 in 0..C-1.
    member_ids
        M distinct names of the pool's rows.
    split
        Which split these are of; selection refuses ``"test"``.

    >>> pool = PoolPredictions(np.full((2, 3, 4), 0.25, np.float32), np.zeros(3, np.int64),
    ...                        ("a", "b"), "select")
    >>> pool.predictions
    array([[0, 0, 0], [0, 0, 0]])
    """

    probabilities: NDArray[np.float32]
    labels: NDArray[np.int64]
    member_ids: tuple[str, ...]
    split: str

    def __post_init__(self) -> None:
        p, y = self.probabilities, self.labels
        if p.ndim != 3 or p.dtype != np.float32:
            raise RequestError(
                f"probabilities are {p.dtype} of shape {p.shape}; expected float32 (M, N, C)"
            )
        if y.shape != p.shape[1:2] or y.dtype != np.int64:
            raise RequestError(
                f"labels are {y.dtype} of shape {y.shape}; expected int64 of shape ({p.shape[1]},)"
            )
        if not p.size:
            raise RequestError(f"probabilities of shape {p.shape} hold nothing to choose from")
        bad = ~np.isfinite(p) | (p < 0)
        if bad.any():
            row, sample, column = np.argwhere(bad)[0]
            raise RequestError(
                f"probabilities[{row}, {sample}, {column}] is {p[row, sample, column]:.3g}, a "
                "negative or non-finite value; expected 0..1: logits need a softmax first"
            )
        sums = p.sum(-1, dtype=np.float64)
        off = np.abs(sums - 1)
        if off.max() > 1e-3:
            row, sample = np.unravel_index(off.argmax(), off.shape)
            raise RequestError(
                f"probabilities[{row}, {sample}] sum to {sums[row, sample]:.3g}; allowed "
                "1 ± 0.001: scores need a softmax first"
            )
        if y.min() < 0 or y.max() >= p.shape[2]:
            raise RequestError(
                f"labels span {y.min()}..{y.max()}; "
                f"allowed 0..{p.shape[2] - 1} ({p.shape[2]} classes)"
            )
        if len(self.member_ids) != len(p) or len(set(self.member_ids)) != len(p):
            raise RequestError(
                f"{len(p)} members need as many distinct names; given are "
                f"{len(self.member_ids)}, {len(set(self.member_ids))} of them distinct"
            )

    def __len__(self) -> int:
        return len(self.probabilities)

    @property
    def predictions(self) -> NDArray[np.int64]:
        """(M, N) int64: each member's most probable class, the first of equals."""
        labels: NDArray[np.int64] = self.probabilities.argmax(-1)
        return labels

    @property
    def accuracies(self) -> NDArray[np.float64]:
        """(M,) float64: share of samples each member predicts rightly."""
        shares: NDArray[np.float64] = (self.predictions == self.labels).mean(1)
        return shares

    def rows(self, member_ids: tuple[str, ...]) -> PoolPredictions:
        """Return the pool of these members, in this order."""
        index = [self.member_ids.index(name) for name in member_ids]
        return PoolPredictions(self.probabilities[index], self.labels, member_ids, self.split)
