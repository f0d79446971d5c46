"""HQ: hierarchical pruning of teams by focal diversity, level by level.

Wu & Liu, *Boosting Deep Ensemble Performance with Hierarchical Pruning* (ICDM 2021).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from selection.focal import FocalDiversity, rank_weights
from selection.lattice import all_teams, grow
from selection.problem import Problem
from selection.search import STANDS, UNKNOWN, Level

Array = NDArray[np.float64]
Teams = NDArray[np.integer[Any]]


@dataclass(frozen=True)
class Rules:
    """How HQ prunes.

    Attributes
    ----------
    measures
        Names of the measures that are asked.
    fractions
        β: the share of the standing teams dropped at sizes 2, 3, …, one for each size.
    """

    measures: tuple[str, ...]
    fractions: tuple[float, ...]


def prune_levels(problem: Problem, rules: Rules) -> tuple[Level, ...]:
    """Return the levels 1..S: every team made at each size, and which of them fell."""
    singles = problem.allowed.astype(np.int16)[:, None]
    levels = [Level(singles, problem.right(singles), np.zeros(len(singles)))]
    scorers = [FocalDiversity(problem.negatives, name) for name in rules.measures]
    standing: Teams = singles
    for fraction in rules.fractions:
        size = standing.shape[1] + 1
        teams = all_teams(problem.allowed, 2) if size == 2 else grow(standing, problem.members)
        level = prune_level(problem, scorers, teams, fraction)
        levels.append(level)
        standing = teams[level.standing]
    return tuple(levels)


def prune_level(
    problem: Problem, scorers: list[FocalDiversity], teams: NDArray[np.int16], fraction: float
) -> Level:
    """Return one level: the over-budget teams fall, then the `fraction` least diverse."""
    fits = problem.budget.fits(problem.costs, teams)
    focal = [np.full(len(teams), np.nan) for _ in scorers]
    consensus = np.zeros(len(teams))
    fell_by = np.where(fits, 0, 1).astype(np.int8)
    rows = np.flatnonzero(fits)
    if len(rows):
        weights = rank_weights(teams[rows], problem.member_right)
        scores = [scorer.scores(teams[rows], weights) for scorer in scorers]
        ranks = [rank_share(score) for score in scores]
        agreed = np.mean(ranks, axis=0)
        for column, score in zip(focal, scores, strict=True):
            column[rows] = score
        consensus[rows] = agreed
        drop = np.lexsort((problem.member_right[teams[rows]].sum(1), agreed))[
            : int(len(rows) * fraction)
        ]
        fell_by[rows[drop]] = 2 + np.argmin([rank[drop] for rank in ranks], axis=0)
    right = np.full(len(teams), UNKNOWN, np.int64)
    if teams.shape[1] in problem.sizes:
        right[fell_by == 0] = problem.right(teams[fell_by == 0])
    names = tuple(scorer.measure for scorer in scorers)
    return Level(
        teams,
        right,
        consensus,
        (STANDS, "budget", *names),
        fell_by,
        tuple(zip(names, focal, strict=True)),
    )


def rank_share(scores: Array) -> Array:
    """Return each score's rank as a share in 0..1, 0 the least; ties share the mean rank.

    >>> rank_share(np.array([.2, .9, .2, .5]))
    array([0.16666667, 1.        , 0.16666667, 0.66666667])
    """
    if len(scores) < 2:
        return np.zeros(len(scores))
    order = np.argsort(scores, kind="stable")
    ordered = scores[order]
    starts = np.flatnonzero(np.concatenate(([True], ordered[1:] != ordered[:-1])))
    ends = np.append(starts[1:], len(scores))
    ranks = np.empty(len(scores))
    ranks[order] = np.repeat((starts + ends - 1) / 2, ends - starts)
    return ranks / (len(scores) - 1)
