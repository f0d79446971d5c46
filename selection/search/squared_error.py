"""The squared error (Brier score) of a team's mean probability, as a sum over pairs.

With eᵢ = pᵢ − onehot(y), the mean vote of a team errs by the mean of its eᵢ, so

    B(team) = 1/S² Σᵢ Σⱼ ⟨eᵢ, eⱼ⟩,

a few look-ups in one M × M table: every team's error is known exactly without voting. It
is the members' mean error minus their spread, the ambiguity (Krogh & Vedelsby 1995):
accuracy and diversity in the proportion that the vote itself weighs them. And it moves
with every probability, where accuracy moves only with a label: less of it is chance.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pruning.core.products import product
from selection.measures.measure import CHUNK, pair_sums

Array = NDArray[np.float64]
BLOCK = 1 << 21
"""Numbers held at once, members × samples × classes."""


def error_products(probabilities: NDArray[Any], labels: NDArray[np.int64]) -> Array:
    """Return (M, M) the mean over samples of ⟨eᵢ, eⱼ⟩, in 0..2."""
    members, samples, classes = probabilities.shape
    total = np.zeros((members, members))
    block = max(1, BLOCK // (members * classes))
    for start in range(0, samples, block):
        part = probabilities[:, start : start + block].astype(np.float64)
        y = labels[start : start + block]
        part[:, np.arange(len(y)), y] -= 1
        flat = part.reshape(members, -1)
        total += product(flat, flat.T)
    return np.asarray(total / samples)


def team_error(products: Array, teams: NDArray[np.integer[Any]]) -> Array:
    """Return (T,) the Brier score of each team's mean vote, 0 (perfect) to 2.

    >>> p = np.array([[[.8, .2]], [[.4, .6]]])
    >>> team_error(error_products(p, np.array([0])), np.array([[0, 1]]))
    array([0.32])
    """
    size = teams.shape[1]
    own = np.diagonal(products)
    out = np.empty(len(teams))
    one = np.zeros((len(teams), 1), np.intp)
    for start in range(0, len(teams), CHUNK):
        part = slice(start, start + CHUNK)
        crossed = pair_sums(products[None], teams[part], one[part])[:, 0]
        out[part] = own[teams[part]].sum(1) + 2 * crossed
    return np.asarray(out / size**2)
