"""How far the members of a team agree on a sample. NumPy only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pruning.core.array_values import ArrayValue


@dataclass(frozen=True, eq=False)
class Uncertainty(ArrayValue):
    """What the members' disagreement says of each sample.

    Attributes
    ----------
    agreement
        (N,) share of the members that name the team's class, in 0..1; more is surer.
    entropy
        (N,) nats of the mean probability: all uncertainty; less is surer.
    mutual_information
        (N,) nats: the part of `entropy` that is the members' disagreement, entropy of the
        mean less mean of the entropies (Houlsby et al. 2011); 0 where all say the same.
    """

    agreement: NDArray[np.float64]
    entropy: NDArray[np.float64]
    mutual_information: NDArray[np.float64]


def uncertainty(members: NDArray[Any], winners: NDArray[np.int64]) -> Uncertainty:
    """Return the uncertainty of N samples.

    Parameters
    ----------
    members
        (S, N, C) probabilities of each member.
    winners
        (N,) the team's class, as an index.

    >>> opposed = np.array([[[1.0, 0.0]], [[0.0, 1.0]]])
    >>> uncertainty(opposed, np.array([0])).mutual_information.round(4)  # ln 2
    array([0.6931])
    """
    members = members.astype(np.float64)
    total = _entropy(members.mean(0))
    disagreement = np.maximum(total - _entropy(members).mean(0), 0)
    return Uncertainty((members.argmax(-1) == winners).mean(0), total, disagreement)


def _entropy(probabilities: NDArray[np.float64]) -> NDArray[np.float64]:
    terms = probabilities * np.log(np.where(probabilities > 0, probabilities, 1))
    return np.asarray(-terms.sum(-1))
