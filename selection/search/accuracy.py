"""How many samples a team's vote gets right: exact, for millions of teams."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from selection.pool import PoolPredictions
from selection.search.margins import (
    BLOCK,
    Bounds,
    bounds_of,
    columns_of,
    in_whole_steps,
    wrong_in_run,
)
from selection.team import Team
from selection.voting import VOTES, Vote

RUN = 64
"""Teams that are worth counting together: a shared prefix is looked at once for all of them."""

THREADED = 2000
"""So many teams are counted by several threads."""

BATCH = 16
"""Runs that a thread takes at a time."""

FINE_BITS = 40
"""Weighted sums are kept to so many bits: below lies the rounding of their summation."""


class TeamAccuracy:
    """Counts the samples teams get right on one pool under one vote.

    Parameters
    ----------
    pool
        The members' predictions.
    voting
        Name of the vote.
    size
        The largest team that will be asked for.
    """

    def __init__(self, pool: PoolPredictions, voting: str, size: int) -> None:
        self.pool = pool
        self.vote: Vote = VOTES[voting]()
        scores = self.vote.scores(pool.probabilities, pool.labels, size)
        self._scores = None if scores is None else in_whole_steps(scores, size)
        self._columns = None if self._scores is None else columns_of(self._scores, pool.labels)
        self._bounds: dict[int, Bounds] = {}

    def right(self, teams: NDArray[np.integer[Any]]) -> NDArray[np.int64]:
        """Return (T,) the number of samples each team (T, S) gets right.

        It is fastest where neighbouring teams share their leading members, as in
        lexicographic order.
        """
        if self._columns is None:
            return self._right_by_vote(teams)
        size = teams.shape[1]
        if size not in self._bounds:
            self._bounds[size] = bounds_of(self._columns, size)
        bounds = self._bounds[size]
        prefix = _shared(teams)
        wrong = np.empty(len(teams), np.int64)

        def count(runs: list[tuple[int, int]]) -> None:
            for start, stop in runs:
                same, rest = teams[start, :prefix], teams[start:stop, prefix:]
                wrong[start:stop] = wrong_in_run(bounds, same, rest)

        runs = _runs(teams[:, :prefix])
        if len(teams) > THREADED:
            with ThreadPoolExecutor(os.cpu_count()) as pool:
                list(pool.map(count, (runs[at : at + BATCH] for at in range(0, len(runs), BATCH))))
        else:
            count(runs)
        return np.asarray(len(self.pool.labels) - bounds.lost - wrong)

    def right_weighted(self, team: Team, weights: NDArray[np.float64]) -> int:
        """Return the number of samples one team gets right with weights of its own.

        Where the vote adds weights to its scores (`Vote.weighs_scores`) they are applied to the
        same whole steps that `right` adds up: with equal weights both give one number.

        Parameters
        ----------
        team
            Sorted pool rows.
        weights
            (S,) non-negative, not all 0, on any scale.
        """
        rows = np.array([team], np.int16)
        if not self.vote.weighs_scores or (weights == weights[0]).all():
            return int(self.right(rows)[0])
        if self._scores is None:
            voted = self.vote(self.pool.probabilities[list(team)], weights / weights.sum())
        else:
            shares = (weights / weights.max())[:, None, None]
            voted = _rounded((self._scores[list(team)] * shares).sum(0))
        return int((voted.argmax(-1) == self.pool.labels).sum())

    def hits(self, teams: NDArray[np.integer[Any]]) -> NDArray[np.bool_]:
        """Return (T, N) which samples each team gets right; N bytes per team."""
        open_ = (self.pool.predictions != self.pool.labels).any(0)
        hits = np.ones((len(teams), len(open_)), bool)
        hits[:, open_] = self._voted(teams, open_) == self.pool.labels[open_]
        return hits

    def _right_by_vote(self, teams: NDArray[np.integer[Any]]) -> NDArray[np.int64]:
        open_ = (self.pool.predictions != self.pool.labels).any(0)
        labels = self.pool.labels[open_]
        step = max(1, BLOCK // max(1, len(labels)))
        right = [
            (self._voted(teams[start : start + step], open_) == labels).sum(1)
            for start in range(0, len(teams), step)
        ]
        return np.asarray(np.concatenate([np.zeros(0, np.int64), *right]) + int((~open_).sum()))

    def _voted(
        self, teams: NDArray[np.integer[Any]], samples: NDArray[np.bool_]
    ) -> NDArray[np.int64]:
        """Return (T, N') the teams' labels on some samples."""
        scores = self._scores
        members = (self.pool.probabilities if scores is None else scores)[:, samples]
        equal = np.full(teams.shape[1], 1 / teams.shape[1])
        out = np.empty((len(teams), members.shape[1]), np.int64)
        step = max(1, BLOCK // max(1, members[0].size * teams.shape[1]))
        for start in range(0, len(teams), step):
            team = members[teams[start : start + step]]
            voted = self.vote(team, equal) if scores is None else team.sum(1)
            out[start : start + step] = voted.argmax(-1)
        return out


def _rounded(sums: NDArray[Any]) -> NDArray[Any]:
    """Return sums in steps of a power of two, so that equal ones stay equal."""
    step = 2.0 ** (FINE_BITS - np.ceil(np.log2(max(float(sums.max()), 1.0))))
    return np.asarray(np.rint(sums * step))


def _shared(teams: NDArray[np.integer[Any]]) -> int:
    """Return the longest prefix that groups teams by about `RUN` or more."""
    prefix = 0
    while prefix < teams.shape[1] - 1 and len(_runs(teams[:, : prefix + 1])) * RUN <= len(teams):
        prefix += 1
    return prefix


def _runs(prefixes: NDArray[np.integer[Any]]) -> list[tuple[int, int]]:
    """Return (start, stop) of neighbours with one prefix."""
    if not len(prefixes):
        return []
    new = np.flatnonzero((prefixes[1:] != prefixes[:-1]).any(1)) + 1
    edges = [0, *new.tolist(), len(prefixes)]
    return list(pairwise(edges))
