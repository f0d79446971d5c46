"""Soft accuracy: how many samples a team gets right, the close calls counted in part.

The margin of a team's mean vote on a sample is its probability of the true class minus the
greatest other. Accuracy counts margins above zero; among thousands of teams the one that is
best by it is largely the one whose close calls happened to fall well. Here a sample counts

    min(1, max(0, 1/2 + margin / (2 width))):

1 where the margin exceeds `width`, 0 below −`width`, and in between in part. A width towards
0 is accuracy; a very wide one is the mean margin, which says little of labels.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from selection.search.problem import Problem
from selection.voting import VOTES

CELLS = 1 << 20
"""Numbers held at once, teams × samples."""

FAR = 1e6
"""A margin no team reaches: the true class is no rival of its own."""


class SoftAccuracy:
    """Soft counts of right samples for teams of one pool.

    Parameters
    ----------
    problem
        Gives the pool and the vote; a vote that does not add is read as the mean.
    width
        Half the width of the ramp, in probability, > 0.
    """

    def __init__(self, problem: Problem, width: float) -> None:
        pool = problem.pool
        scores = VOTES[problem.voting]().scores(pool.probabilities, pool.labels, problem.size)
        members = pool.probabilities if scores is None else scores / scores.sum(-1).max()
        own = np.take_along_axis(members, pool.labels[None, :, None], 2)
        margins = own - members
        margins[:, np.arange(len(pool.labels)), pool.labels] = FAR
        self.width = width
        open_ = (margins.min(-1) < width).any(0)
        self._sure = int((~open_).sum())
        self._margins = np.ascontiguousarray(margins[:, open_].transpose(2, 0, 1), np.float64)

    def of(self, teams: NDArray[np.integer[Any]]) -> NDArray[np.float64]:
        """Return (T,) the soft count of right samples, 0..N, rounded to 1e-9."""
        classes, _, samples = self._margins.shape
        if classes == 1:
            return np.full(len(teams), float(self._sure + samples))
        out = np.empty(len(teams))
        step = max(1, CELLS // max(1, samples))
        for start in range(0, len(teams), step):
            part = teams[start : start + step]
            worst = np.full((len(part), samples), FAR)
            for margins in self._margins:
                total = margins.take(part[:, 0], 0)
                for column in range(1, part.shape[1]):
                    total += margins.take(part[:, column], 0)
                np.minimum(worst, total, out=worst)
            worst /= 2 * self.width * part.shape[1]
            worst += 0.5
            out[start : start + step] = worst.clip(0, 1).sum(1)
        return np.round(out + self._sure, 9)
