"""The numbers behind the report's pictures, each a value of its own."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipelines.compare.contenders import EXPORTED
from pipelines.compare.evidence import MemberRecord
from pipelines.compare.results import Result
from pipelines.compare.statistics import Interval, t_quantile, wilson
from selection.costs import pareto_front
from selection.pool import PoolPredictions
from selection.team import Selection


@dataclass(frozen=True)
class Curve:
    """One DropNet run: validation accuracy against the share of units remaining.

    Attributes
    ----------
    run
        Which run.
    remaining, accuracy
        One value a round, from round 0.
    """

    run: int
    remaining: tuple[float, ...]
    accuracy: tuple[float, ...]


@dataclass(frozen=True)
class MeanPoint:
    """The runs that reached one round, with a t interval of their mean accuracy.

    Attributes
    ----------
    remaining
        Mean share of units remaining.
    accuracy
        Mean validation accuracy; of a single run without an interval.
    runs
        How many runs reached the round: early stops leave the stronger ones.
    """

    remaining: float
    accuracy: Interval
    runs: int


def curves(members: Sequence[MemberRecord]) -> tuple[Curve, ...]:
    """Return every run's curve, its rounds in order."""
    runs = sorted({m.run for m in members})
    rounds = {run: [m for m in members if m.run == run] for run in runs}
    return tuple(
        Curve(run, tuple(m.remaining for m in kept), tuple(m.val_accuracy for m in kept))
        for run, kept in rounds.items()
    )


def mean_curve(runs: Sequence[Curve]) -> tuple[MeanPoint, ...]:
    """Return the mean over the runs that reached each round."""
    points = []
    for k in range(max(len(run.remaining) for run in runs)):
        reached = [run for run in runs if len(run.remaining) > k]
        accuracy = np.array([run.accuracy[k] for run in reached])
        mean, count = float(accuracy.mean()), len(reached)
        half = math.nan
        if count > 1:
            half = t_quantile(count - 1) * float(accuracy.std(ddof=1)) / math.sqrt(count)
        interval = Interval(mean, max(0.0, mean - half), min(1.0, mean + half))
        points.append(
            MeanPoint(float(np.mean([run.remaining[k] for run in reached])), interval, count)
        )
    return tuple(points)


def unbeaten(rows: Sequence[Result]) -> tuple[str, ...]:
    """Return who is beaten by nobody in both accuracy and FLOPs, cheapest first.

    An exported file takes the FLOPs of the team that it is, and does not take its place.
    """
    rows = [row for row in rows if row.contender not in EXPORTED]
    accuracy = np.array([row.accuracy.value for row in rows])
    flops = np.array([row.cost.flops for row in rows], float)
    return tuple(rows[at].contender for at in pareto_front(accuracy, flops))


@dataclass(frozen=True)
class Disagreement:
    """How often each pair of the pool predicts different classes on ``select``.

    Attributes
    ----------
    member_ids
        The selected team first, then the rest in pool order.
    selected
        How many of them are the team.
    rate
        (P, P) float64 in 0..1, symmetric, 0 on the diagonal.
    """

    member_ids: tuple[str, ...]
    selected: int
    rate: NDArray[np.float64]

    @property
    def within_team(self) -> float:
        """Mean over the team's pairs; NaN for a team of one."""
        return _mean_of_pairs(self.rate[: self.selected, : self.selected])

    @property
    def spread(self) -> Interval:
        """Mean, least and most over all pairs; 0 for a pool of one."""
        pairs = self.rate[~np.eye(len(self.rate), dtype=bool)]
        if not pairs.size:
            return Interval(0.0, 0.0, 0.0)
        return Interval(float(pairs.mean()), float(pairs.min()), float(pairs.max()))


def _mean_of_pairs(rate: NDArray[np.float64]) -> float:
    pairs = len(rate) * (len(rate) - 1)
    return float(rate.sum()) / pairs if pairs else math.nan


def disagreement(select: PoolPredictions, pool: Sequence[str], team: Sequence[str]) -> Disagreement:
    """Return the pairwise disagreement of the pool's rows."""
    ids = (*team, *(name for name in pool if name not in set(team)))
    predicted = select.rows(ids).predictions
    rate = np.stack([(predicted != one).mean(1) for one in predicted])
    return Disagreement(ids, len(team), rate)


def optimism(row: Result, select_samples: int) -> Interval:
    """Return accuracy on ``select`` less accuracy on ``test``, with its interval.

    The two are independent shares; the ends are Newcombe's (1998, method 10).
    """
    if row.select_accuracy is None:
        return Interval(math.nan)
    a, b = wilson(row.select_accuracy, select_samples), row.accuracy
    gap = a.value - b.value
    return Interval(
        gap,
        gap - math.hypot(a.value - a.low, b.high - b.value),
        gap + math.hypot(a.high - a.value, b.value - b.low),
    )


@dataclass(frozen=True)
class Candidates:
    """Teams of the chosen one's size that a method looked at, the chosen one first.

    Attributes
    ----------
    teams
        Names of each team's members.
    accuracy
        (T,) on ``select``.
    diversity
        (T,) the method's own; more is more diverse.
    stands
        (T,) whether the team stood to the end.
    """

    teams: tuple[tuple[str, ...], ...]
    accuracy: NDArray[np.float64]
    diversity: NDArray[np.float64]
    stands: NDArray[np.bool_]


def candidates(selection: Selection) -> Candidates | None:
    """Return the candidates that can be drawn; None where the method recorded none."""
    table = selection.candidates
    wanted = {"team", "size", "accuracy", "diversity", "fell_at", "chosen"}
    if not wanted <= set(table.dtype.names or ()):
        return None
    rows = table[(table["size"] == len(selection.team)) & np.isfinite(table["diversity"])]
    if not rows["chosen"].any():
        return None
    rows = rows[np.argsort(~rows["chosen"], kind="stable")]
    teams = tuple(
        tuple(selection.pool[int(row)] for row in text.split()) for text in rows["team"].tolist()
    )
    return Candidates(teams, rows["accuracy"], rows["diversity"], rows["fell_at"] == 0)
