"""HQ's search: teams are pruned by focal diversity, level by level.

Wu & Liu, *Boosting Deep Ensemble Performance with Hierarchical Pruning* (ICDM 2021).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import comb
from typing import Any

import numpy as np
from numpy.typing import NDArray

from selection.focal import DECIMALS, FocalDiversity, rank_weights
from selection.search.beam import Dropped, grow_beam
from selection.search.lattice import MOST_TEAMS, Ranks, all_teams, grow
from selection.search.levels import BUDGET, STANDS, UNKNOWN, Level
from selection.search.problem import Problem
from selection.search.squared_error import team_error

Array = NDArray[np.float64]
Teams = NDArray[np.integer[Any]]

BEAM = "beam"
SHORTLIST = 2
"""A beam is sought among so many times as many teams, those of least squared error."""


@dataclass(frozen=True)
class Rules:
    """How HQ prunes.

    Attributes
    ----------
    measures
        Names of the measures that are asked.
    fractions
        β: the share of the standing teams dropped at sizes 2, 3, …, one for each size.
    beam
        The most teams of one size to grow from, the most accurate; None grows from all.
    published
        Score as the published script: weights by ``argsort`` of the accuracies instead of
        their ranks, min–max over all teams of a size instead of those still standing.
    """

    measures: tuple[str, ...]
    fractions: tuple[float, ...]
    beam: int | None = None
    published: bool = False


def prune_levels(problem: Problem, rules: Rules) -> tuple[Level, ...]:
    """Return the levels 1..S: every team made at each size, and which of them fell."""
    singles = problem.allowed.astype(np.int16)[:, None]
    levels = [Level(singles, problem.right(singles), np.zeros(len(singles)))]
    scorers = [FocalDiversity(problem.negatives, name) for name in rules.measures]
    dropped = Dropped(problem.members)
    narrowed = False
    for fraction in rules.fractions:
        standing = levels[-1].teams[levels[-1].standing]
        grown = grow_beam(standing, dropped) if narrowed else grow(standing, problem.members)
        level = prune_level(problem, rules, scorers, grown, fraction)
        if rules.beam is not None and level.size < problem.size:
            dropped.add(level.teams[~level.standing])
            level = narrow(problem, level, grown, rules.beam)
            narrowed = narrowed or bool(level.fell(BEAM).any())
        levels.append(count_right(problem, level, grown))
    return tuple(levels)


def prune_level(
    problem: Problem, rules: Rules, scorers: list[FocalDiversity], grown: Teams, fraction: float
) -> Level:
    """Return one level: the over-budget teams fall, then the `fraction` least diverse."""
    teams = np.sort(grown, 1).astype(np.int16)
    fits = np.flatnonzero(problem.budget.fits(problem.costs, teams))
    names = tuple(scorer.measure for scorer in scorers)
    fell_by = np.ones(len(teams), np.int8)
    fell_by[fits] = 0
    consensus, focal = np.zeros(len(teams)), np.full((len(scorers), len(teams)), np.nan)
    right = np.full(len(teams), UNKNOWN, np.int64)
    if len(fits):
        asked = teams[fits]
        scores = [_scores(problem, rules, scorer, asked) for scorer in scorers]
        ranks = np.array([rank_share(score) for score in scores])
        focal[:, fits], consensus[fits] = scores, np.round(ranks.mean(0), DECIMALS)
        tie = problem.member_right[asked].sum(1)
        if rules.published:
            tie = right[fits] = problem.right(asked)
        drop = np.lexsort((tie, consensus[fits]))[: int(len(fits) * fraction)]
        fell_by[fits[drop]] = 3 + np.argmin(ranks[:, drop], axis=0)
    reasons = (STANDS, BUDGET, BEAM, *names)
    columns = tuple(zip(names, focal, strict=True))
    return Level(teams, right, consensus, reasons, fell_by, columns)


def _scores(problem: Problem, rules: Rules, scorer: FocalDiversity, teams: Teams) -> Array:
    """Return (T,) focal diversity, scaled over the teams standing or, as published, over all."""
    if not rules.published:
        return scorer.scores(teams, rank_weights(teams, problem.member_right))
    every = all_teams(problem.members, teams.shape[1])
    weights = np.argsort(problem.member_right[every], axis=1, kind="stable").astype(float)
    scores = scorer.scores(every, weights / weights.sum(1, keepdims=True))
    ranks = Ranks(problem.members, teams.shape[1])
    place = np.argsort(ranks.of(every))
    chosen: Array = scores[place[ranks.of(teams)]]
    return chosen


def narrow(problem: Problem, level: Level, grown: Teams, beam: int) -> Level:
    """Return the level with all but the `beam` most accurate standing teams fallen.

    They are sought among `SHORTLIST` times as many of least squared error, which is known
    without voting.
    """
    rows = np.flatnonzero(level.standing)
    if len(rows) <= beam or level.fell_by is None:
        return level
    fell_by = level.fell_by.copy()
    error = np.round(team_error(problem.error_products, level.teams[rows]), DECIMALS)
    order = rows[np.lexsort((-level.diversity[rows], error))]
    fell_by[order[SHORTLIST * beam :]] = level.reasons.index(BEAM)
    counted = count_right(problem, replace(level, fell_by=fell_by), grown, always=True)
    order = order[: SHORTLIST * beam]
    order = order[np.lexsort((-level.diversity[order], -counted.right[order]))]
    fell_by[order[beam:]] = level.reasons.index(BEAM)
    return replace(counted, fell_by=fell_by)


def count_right(problem: Problem, level: Level, grown: Teams, always: bool = False) -> Level:
    """Return the level with what its standing teams get right, where that may decide."""
    todo = level.standing & (level.right == UNKNOWN)
    if not todo.any() or not (always or level.size in problem.counted):
        return level
    right = level.right.copy()
    right[todo] = problem.right(grown[todo])
    return replace(level, right=right)


def beyond_reach(members: int, size: int, most: int = MOST_TEAMS) -> bool:
    """Return whether a pool has more teams of up to this size than can all be looked at."""
    return sum(comb(members, n) for n in range(2, size + 1)) > most


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
