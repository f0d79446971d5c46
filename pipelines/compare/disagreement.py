"""How often the members of a pool predict different classes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipelines.compare.interval import Interval
from selection.pool import PoolPredictions


@dataclass(frozen=True, eq=False)
class Disagreement:
    """How often each pair of the pool predicts different classes on ``select``.

    Attributes
    ----------
    member_ids
        The selected team first, then the rest in pool order.
    selected
        How many of them are the team.
    rate
        (P, P) float64 in 0..1, symmetric, 0 on the diagonal.
    """

    member_ids: tuple[str, ...]
    selected: int
    rate: NDArray[np.float64]

    @property
    def within_team(self) -> float:
        """Mean over the team's pairs; NaN for a team of one."""
        return _mean_of_pairs(self.rate[: self.selected, : self.selected])

    @property
    def spread(self) -> Interval:
        """Mean, least and most over all pairs; 0 for a pool of one."""
        pairs = self.rate[~np.eye(len(self.rate), dtype=bool)]
        if not pairs.size:
            return Interval(0.0, 0.0, 0.0)
        return Interval(float(pairs.mean()), float(pairs.min()), float(pairs.max()))


def _mean_of_pairs(rate: NDArray[np.float64]) -> float:
    pairs = len(rate) * (len(rate) - 1)
    return float(rate.sum()) / pairs if pairs else math.nan


def disagreement(select: PoolPredictions, pool: Sequence[str], team: Sequence[str]) -> Disagreement:
    """Return the pairwise disagreement of the pool's rows."""
    ids = (*team, *(name for name in pool if name not in set(team)))
    predicted = select.rows(ids).predictions
    rate = np.stack([(predicted != one).mean(1) for one in predicted])
    return Disagreement(ids, len(team), rate)
