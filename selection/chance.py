"""Members right less often than by chance: as a rule, columns in another order than the labels."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from selection.pool import PoolPredictions
from selection.team import Team

SURE = 0.001
"""How rarely a member that names classes by chance is taken for one below it."""

MOST_NAMED = 3
"""Members that are named, the first ones."""


def below_chance(pool: PoolPredictions) -> Team:
    """Return the rows of members right on fewer samples than chance leaves to one in a thousand.

    Chance is 1/C a sample; the test is the exact binomial one, of each member by itself.

    >>> p = np.eye(2, dtype=np.float32)[[[0] * 30, [1] * 30]]
    >>> below_chance(PoolPredictions.of(p, [1] * 30))
    (0,)
    """
    samples, classes = pool.probabilities.shape[1:]
    right = (pool.predictions == pool.labels).sum(1)
    if classes == 1:
        return ()
    return tuple(np.flatnonzero(_at_most(samples, 1 / classes)[right] < SURE).tolist())


def chance_line(pool: PoolPredictions) -> str:
    """Return a line that names the members below chance; empty where there are none."""
    rows = below_chance(pool)
    if not rows:
        return ""
    names = [pool.member_ids[row] for row in rows[:MOST_NAMED]]
    more = f" and {len(rows) - MOST_NAMED} more" if len(rows) > MOST_NAMED else ""
    least, most = (f"{100 * end(pool.accuracies[list(rows)]):.3g}" for end in (np.min, np.max))
    return (
        f"{', '.join(names)}{more} {'is' if len(rows) == 1 else 'are'} right on "
        f"{least if least == most else f'{least} to {most}'} % of the samples, fewer than by "
        f"chance ({100 / pool.probabilities.shape[2]:.3g} %): are the columns of the probabilities "
        "in another order than that of the labels? `classes` says the label of each column"
    )


def _at_most(samples: int, chance: float) -> NDArray[np.float64]:
    """Return (N + 1,) the odds that at most 0, 1, …, N of N samples are right by chance."""
    right = np.arange(samples + 1)
    factorials = np.concatenate(([0.0], np.log(right[1:]).cumsum()))
    ways = factorials[-1] - factorials - factorials[::-1]
    odds = ways + right * np.log(chance) + right[::-1] * np.log1p(-chance)
    return np.asarray(np.exp(odds).cumsum())
