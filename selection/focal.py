"""Focal diversity: a measure read on the samples that each member in turn gets wrong.

Wu & Liu, *Boosting Deep Ensemble Performance with Hierarchical Pruning* (ICDM 2021).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from selection.measures import MEASURES
from selection.pair_counts import SampleSets

Array = NDArray[np.float64]
Teams = NDArray[np.integer[Any]]

FEW_NEGATIVES = 30
"""A focal value that rests on fewer samples is marked."""

DECIMALS = 12
"""Scores are rounded here: differences below are rounding of sums, and count as ties."""


class FocalDiversity:
    """Focal scores of teams by one measure.

    Parameters
    ----------
    negatives
        From `SampleSets.negatives`.
    measure
        Name of the measure.
    """

    def __init__(self, negatives: SampleSets, measure: str) -> None:
        chosen = MEASURES[measure]()
        self.measure = measure
        self._sign = 1.0 if chosen.more_is_diverse else -1.0
        self._evaluate = chosen.prepare(negatives)
        self._members = len(negatives.sets)

    def raw(self, teams: Teams) -> Array:
        """Return (T, S): column k is the measure on the negatives of the team's k-th member."""
        return self._evaluate(teams, teams)

    def scores(self, teams: Teams, weights: Array) -> Array:
        """Return (T,) focal diversity in 0..1, more is more diverse.

        Parameters
        ----------
        teams
            (T, S): all teams of one size that still stand; they set the scale.
        weights
            (T, S) of the focal models, rows summing to 1; see `rank_weights`.
        """
        scaled = scale_by_focal(self._sign * self.raw(teams), teams, self._members)
        return np.round(weighted_sum(scaled, weights), DECIMALS)


def scale_by_focal(values: Array, teams: Teams, members: int) -> Array:
    """Return values (T, S) min–max scaled per focal model over the teams that contain it.

    A constant column becomes 0: it prefers no team.
    """
    low, high = np.full(members, np.inf), np.full(members, -np.inf)
    for k in range(teams.shape[1]):
        np.minimum.at(low, teams[:, k], values[:, k])
        np.maximum.at(high, teams[:, k], values[:, k])
    spread = high - low
    flat = ~(spread > 10.0**-DECIMALS)
    spread[flat] = 1.0
    scaled = np.empty_like(values)
    for k in range(teams.shape[1]):
        focal = teams[:, k]
        scaled[:, k] = np.where(flat[focal], 0.0, (values[:, k] - low[focal]) / spread[focal])
    return scaled


def rank_weights(teams: Teams, accuracies: NDArray[Any]) -> Array:
    """Return (T, S) each member's rank by accuracy in its team, 1 the least, over their sum.

    Members of equal accuracy share the mean of their ranks.

    >>> rank_weights(np.array([[0, 1, 2]]), np.array([.9, .7, .9])) * 6
    array([[2.5, 1. , 2.5]])
    """
    size = teams.shape[1]
    own = accuracies[teams.T]
    ahead = np.zeros(own.shape)
    for k in range(size):
        for other in range(k):
            won = np.sign(own[k] - own[other])
            ahead[k] += won
            ahead[other] -= won
    return np.asarray((ahead.T + size + 1) / (size * (size + 1)))


def weighted_sum(values: Array, weights: Array) -> Array:
    """Return (T,) the sum over columns of values × weights, in column order."""
    total = np.zeros(len(values))
    for k in range(values.shape[1]):
        total += values[:, k] * weights[:, k]
    return total
