"""The candidates table: the best teams with why they stand or fell, and counts per level."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from selection.focal import FEW_NEGATIVES
from selection.measures import MEASURES
from selection.search.levels import UNKNOWN, Level, Search
from selection.search.problem import Problem

KEPT = 1000
"""Rows of the table."""

SHORTEST_REASON = 24
"""Characters that what a team fell by has room for, at least."""


def candidate_table(
    problem: Problem, search: Search, measures: Iterable[str], kept: int = KEPT
) -> NDArray[np.void]:
    """Return up to `kept` teams a method looked at: the chosen one, then by accuracy.

    They are the most accurate of those that stand at a size that may be chosen, and, for up
    to half of the rows, the teams that fell, small ones first: with a pair fell every team
    that contains it.

    Fields: ``team`` (rows, as text), ``size``, ``accuracy``, ``diversity`` (the method's),
    each measure (raw, over all samples), ``focal_<measure>`` where the method has it, each
    known cost, ``fewest_negatives`` of a member and ``few_negatives`` (whether below 30),
    ``fell_at`` (the size at which the team was dropped, 0 where it stands), ``fell_by``
    (the measure, or "budget" or "beam"), ``chosen``. What is not defined for one member is
    NaN.
    """
    measures = tuple(measures)
    focal = tuple(dict.fromkeys(name for level in search.levels for name, _ in level.focal))
    table = np.zeros(0, _fields(problem, measures, focal, _reason_width(search)))
    fallen = _fallen(search.levels, kept // 2)
    room = kept - sum(len(rows) for rows in fallen)
    parts = []
    for level, fell in zip(search.levels, fallen, strict=True):
        known = np.flatnonzero(level.standing & (level.right != UNKNOWN))
        known = known[np.lexsort((-level.diversity[known], -level.right[known]))]
        rows = np.concatenate([known[:room], fell])
        parts.append(_rows(problem, level, rows, measures, table.dtype))
    table = np.concatenate([table, *parts])
    chosen = " ".join(map(str, search.team))
    table["chosen"] = table["team"] == chosen
    order = np.lexsort((table["size"], -table["diversity"], -table["accuracy"], ~table["chosen"]))
    stands = np.flatnonzero(table["fell_at"][order] == 0)
    order = np.delete(order, stands[room:])
    best: NDArray[np.void] = table[order]
    return best


def _fallen(levels: Sequence[Level], most: int) -> list[NDArray[np.intp]]:
    """Return rows of fallen teams, by level, `most` in all, smaller sizes first."""
    rows = []
    for level in levels:
        fell = np.flatnonzero(~level.standing)[:most]
        most -= len(fell)
        rows.append(fell)
    return rows


def level_table(search: Search) -> NDArray[np.void]:
    """Return one row per size: how many teams were made, fell by what, and stand."""
    rows = []
    for level in search.levels:
        budget, beam = int(level.fell("budget").sum()), int(level.fell("beam").sum())
        standing = int(level.standing.sum())
        made = len(level.teams)
        rows.append((level.size, made, made - standing - budget - beam, budget, beam, standing))
    names = ("size", "made", "dropped", "over_budget", "trimmed", "standing")
    return np.array(rows, [(name, np.int64) for name in names])


def _reason_width(search: Search) -> int:
    named = (len(reason) for level in search.levels for reason in level.reasons)
    return max(SHORTEST_REASON, *named)


def _fields(
    problem: Problem, measures: tuple[str, ...], focal: tuple[str, ...], reason_width: int
) -> list[tuple[str, Any]]:
    text = problem.size * (len(str(problem.members - 1)) + 1)
    return [
        ("team", f"U{text}"), ("size", np.int64), ("accuracy", np.float64),
        ("diversity", np.float64),
        *((name, np.float64) for name in measures),
        *((f"focal_{name}", np.float64) for name in focal),
        *((kind, np.float64) for kind, _ in problem.costs),
        ("fewest_negatives", np.int64), ("few_negatives", bool),
        ("fell_at", np.int64), ("fell_by", f"U{reason_width}"), ("chosen", bool),
    ]  # fmt: skip


def _rows(
    problem: Problem, level: Level, rows: NDArray[np.intp], measures: tuple[str, ...], dtype: Any
) -> NDArray[np.void]:
    """Return these rows of a level as rows of the table."""
    teams = level.teams[rows]
    table = np.zeros(len(rows), dtype)
    table["team"] = [" ".join(map(str, team)) for team in teams.tolist()]
    table["size"] = level.size
    right = level.right[rows]
    unknown = right == UNKNOWN
    right[unknown] = problem.right(teams[unknown])
    table["accuracy"] = right / len(problem.pool.labels)
    table["diversity"] = level.diversity[rows]
    one = np.zeros((len(teams), 1), np.intp)
    for name in measures:
        values = (
            MEASURES[name]().prepare(problem.whole)(teams, one)[:, 0] if level.size > 1 else np.nan
        )
        table[name] = values
    focal = dict(level.focal)
    for field in dtype.names:
        if field.startswith("focal_"):
            known = focal.get(field.removeprefix("focal_"))
            table[field] = np.nan if known is None else known[rows]
    for kind, _ in problem.costs:
        table[kind] = problem.costs.total(kind, teams)
    negatives = len(problem.pool.labels) - problem.member_right
    table["fewest_negatives"] = negatives[teams].min(1)
    table["few_negatives"] = table["fewest_negatives"] < FEW_NEGATIVES
    if level.fell_by is not None:
        fell = level.fell_by[rows]
        table["fell_by"] = np.array(level.reasons)[fell]
        table["fell_at"] = np.where(fell > 0, level.size, 0)
    return table
