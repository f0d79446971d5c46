"""Soft voting with weights fitted on the selection split, shrunk towards equal ones."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pruning.core.array_values import ArrayValue
from pruning.core.products import product
from selection.voting.rule import VOTES, Array, Vote

SHRINKAGE = 0.1
"""Imagined samples that speak for equal weights, as a share of the true ones."""

STEPS = 200
"""Steps of expectation and maximisation."""

FLOOR = 1e-12
"""Smaller probabilities count as this, so that a zero has a logarithm."""


@dataclass(frozen=True, eq=False)
class WeightFit(ArrayValue):
    """Fitted weights and whether they are worth having.

    Attributes
    ----------
    weights
        (S,) summing to 1, fitted on all samples.
    gain_seen
        Nats of log-likelihood per sample that the weights gain over equal ones where fitted.
    gain_unseen
        The same on samples left out of the fit (two-fold).
    """

    weights: NDArray[np.float64]
    gain_seen: float
    gain_unseen: float

    @property
    def overfits(self) -> bool:
        """Whether the fit gains where it was made and loses where it was not."""
        return self.gain_unseen < 0 <= self.gain_seen


def fit_weights(
    probabilities: Array, labels: NDArray[np.int64], shrinkage: float = SHRINKAGE
) -> WeightFit:
    """Fit a linear opinion pool: weights that make the labels most likely.

    Expectation-maximisation of a mixture with a Dirichlet prior: `shrinkage` × N imagined
    samples are shared equally. The likelihood is concave in the weights, so there is one best.

    Parameters
    ----------
    probabilities
        (S, N, C) of the team on the selection split.
    labels
        (N,) int64.
    shrinkage
        0 fits freely; large is equal weights.

    >>> p = np.array([[[.9, .1], [.2, .8]], [[.5, .5], [.5, .5]]])
    >>> fit_weights(p, np.array([0, 1]), shrinkage=1.0).weights.round(2)
    array([0.62, 0.38])
    """
    true = np.take_along_axis(np.asarray(probabilities, float), labels[None, :, None], 2)[..., 0]
    true = np.maximum(true, FLOOR)
    equal = np.full(len(true), 1 / len(true))
    weights = _mixture(true, shrinkage)
    folds = np.arange(true.shape[1]) % 2
    unseen = [
        _gain(_mixture(true[:, folds != k], shrinkage), equal, true[:, folds == k])
        for k in (0, 1)
        if (folds != k).any() and (folds == k).any()
    ]
    return WeightFit(weights, _gain(weights, equal, true), float(np.mean(unseen or [0.0])))


def _mixture(true: Array, shrinkage: float) -> NDArray[np.float64]:
    members, samples = true.shape
    weights = np.full(members, 1 / members)
    for _ in range(STEPS):
        share = weights[:, None] * true
        owed = (share / share.sum(0)).sum(1)
        weights = (owed + shrinkage * samples / members) / (samples * (1 + shrinkage))
    return np.asarray(weights / weights.sum())


def _gain(weights: Array, equal: Array, true: Array) -> float:
    return float(np.mean(np.log(product(weights, true)) - np.log(product(equal, true))))


@VOTES.register("fitted")
class FittedVote(Vote):
    """The mean probability with fitted weights; equal ones where the fit overfits.

    Teams are searched by the plain mean; weights are fitted to the one chosen.
    """

    def weights(self, probabilities: Array, labels: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return the fitted weights, or equal ones where they lose on samples left out."""
        fit = fit_weights(probabilities, labels)
        return super().weights(probabilities, labels) if fit.overfits else fit.weights
