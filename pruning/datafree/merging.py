"""Merging similar units: the mathematics of Srinivas & Babu 2015, on plain arrays.

Two units with the same incoming weights compute the same; one of them can go if the other
takes over its outgoing weights. Where they are only similar, removing j and giving its
outgoing weights to i changes the next layer by at most the *saliency* ⟨a_j²⟩·‖ε_ij‖² (eq. 6):
a_j are j's outgoing weights, ε_ij is the difference of the incoming weights.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import get_args

import numpy as np
from numpy.typing import NDArray

from pruning.core.errors import unknown_name
from pruning.core.products import product
from pruning.datafree.settings import Saliency

Array = NDArray[np.float64]
WITHOUT_OUTLIERS = 0.95
"""Saliencies above this quantile do not count in their density: a few are far too large."""
GRID_POINTS = 512
"""Where the density of saliencies is computed."""
_LEAST = 1e-12  # what a norm is divided by where it is 0


@dataclass(frozen=True)
class Merge:
    """One removal: unit `removed` was merged into unit `into` at this saliency."""

    removed: int
    into: int
    saliency: float


def differences(weights: Array, bias: Array, kind: Saliency) -> Array:
    """Return (n, n) ‖ε_ij‖² between units, infinite on the diagonal; O(n² d).

    Parameters
    ----------
    weights, bias
        (n, d) and (n,), one row per unit; rows of unit norm where the norm can be folded into
        the outgoing weights.
    kind
        ``"exact"``: the squared Euclidean distance of weights and bias (eq. 6).
        ``"heuristic"``: (‖wᵢ-wⱼ‖ / ‖wᵢ+wⱼ‖ + |bᵢ-bⱼ| / |bᵢ+bⱼ|)², the relative distance
        that the paper's experiments use; 0 / 0 is 0.
    """
    if kind not in get_args(Saliency):
        raise unknown_name("saliency", kind, get_args(Saliency))
    inner: Array = product(weights, weights.T)
    squares = np.diag(inner)
    apart = np.maximum(squares[:, None] + squares[None, :] - 2 * inner, 0)
    gap = np.abs(bias[:, None] - bias[None, :])
    found: Array
    if kind == "exact":
        found = apart + gap**2
    else:
        together = np.maximum(squares[:, None] + squares[None, :] + 2 * inner, 0)
        relative = _ratio(np.sqrt(apart), np.sqrt(together))
        found = (relative + _ratio(gap, np.abs(bias[:, None] + bias[None, :]))) ** 2
    np.fill_diagonal(found, np.inf)
    return found


def merge_units(distances: Array, outgoing: Array, count: int) -> tuple[Array, tuple[Merge, ...]]:
    """Remove `count` units, the least salient first; each is merged into its most similar one.

    Saliencies are updated, not recomputed: a removal looks at n numbers.

    Parameters
    ----------
    distances
        (n, n) from `differences`.
    outgoing
        (n, m) outgoing weights, one row per unit; left unchanged.
    count
        0 … n - 1.

    Returns
    -------
    tuple
        The outgoing weights with every removed row added to its stand-in's and zeroed; the
        merges in order.
    """
    n = len(distances)
    if not 0 <= count < n:
        raise ValueError(f"cannot remove {count} of {n} units; at least one must stay")
    outgoing = outgoing.copy()
    neighbours = distances.argsort(axis=1, kind="stable")
    reached = np.zeros(n, dtype=np.int64)
    nearest = neighbours[:, 0].copy()
    alive = np.ones(n, dtype=bool)
    saliency = (outgoing**2).mean(1) * distances[np.arange(n), nearest]
    merges = []
    for _ in range(count):
        removed = int(saliency.argmin())
        into = int(nearest[removed])
        merges.append(Merge(removed, into, float(saliency[removed])))
        outgoing[into] += outgoing[removed]
        outgoing[removed] = 0
        alive[removed], saliency[removed] = False, np.inf
        orphans = np.flatnonzero(alive & (nearest == removed))
        for unit in orphans:
            while not alive[neighbours[unit, reached[unit]]]:
                reached[unit] += 1
            nearest[unit] = neighbours[unit, reached[unit]]
        touched = [into, *orphans.tolist()]
        saliency[touched] = (outgoing[touched] ** 2).mean(1) * distances[touched, nearest[touched]]
    return outgoing, tuple(merges)


def data_free_cutoff(saliencies: Array) -> int:
    """Return how many units to remove, from the saliencies of removing all but one in order.

    Their histogram has a spike at 0, units that cost nothing to merge, and a bell-shaped
    hump, units that do not resemble each other. Removal stops where saliency first reaches
    the hump's mode (section 4.1, figure 2). The density is a Gaussian kernel's (Silverman's
    bandwidth); the hump is its highest peak beyond the first valley after the spike.
    """
    values = np.sort(saliencies[np.isfinite(saliencies)])
    values = values[values <= np.quantile(values, WITHOUT_OUTLIERS)]
    if len(values) < 3 or values[-1] <= 0:
        return len(saliencies)
    # Silverman 1986, eq. 3.31: 0.9 · min(σ, interquartile range / 1.34) · n^(-1/5)
    spread = min(values.std(), (np.quantile(values, 0.75) - np.quantile(values, 0.25)) / 1.34)
    width = 0.9 * (spread or values[-1]) * len(values) ** -0.2
    grid = np.linspace(0, values[-1], GRID_POINTS)
    density = np.exp(-0.5 * ((grid[:, None] - values[None, :]) / width) ** 2).sum(1)
    rises = np.flatnonzero(np.diff(density) > 0)
    valley = int(rises[0]) if len(rises) else 0
    mode = grid[valley + int(density[valley:].argmax())]
    return int(np.argmax(saliencies >= mode))


def _ratio(a: Array, b: Array) -> Array:
    return np.divide(a, np.maximum(b, _LEAST), out=np.zeros_like(a), where=a > 0)
