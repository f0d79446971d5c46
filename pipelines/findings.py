"""The numbers behind the report's pictures, each a value of its own."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipelines.evidence import MemberRecord
from pipelines.quality import SampleScores
from pipelines.results import Result
from pipelines.statistics import Interval, t_quantile, wilson
from selection.pool import PoolPredictions

PAIRS = 6
EXAMPLES = 6


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


def pareto_front(rows: Sequence[Result]) -> tuple[str, ...]:
    """Return who is beaten by nobody in both accuracy and FLOPs, cheapest first."""
    ordered = sorted(rows, key=lambda row: (row.cost.flops, -row.accuracy.value))
    front: list[Result] = []
    for row in ordered:
        if not front or row.accuracy.value > front[-1].accuracy.value:
            front.append(row)
    return tuple(row.contender for row in front)


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


def disagreement(select: PoolPredictions, pool: Sequence[str], team: Sequence[str]) -> Disagreement:
    """Return the pairwise disagreement of the pool's rows."""
    ids = (*team, *(name for name in pool if name not in set(team)))
    predicted = select.rows(ids).predictions
    rate = np.stack([(predicted != one).mean(1) for one in predicted])
    return Disagreement(ids, len(team), rate)


@dataclass(frozen=True)
class ConfusedPair:
    """A class that was taken for another.

    Attributes
    ----------
    true, predicted
        Indices of the two classes.
    count
        How often on test.
    samples
        Test samples that show it, the most confident mistakes first.
    """

    true: int
    predicted: int
    count: int
    samples: tuple[int, ...]


@dataclass(frozen=True)
class Confusion:
    """The confusion matrix of one contender.

    Attributes
    ----------
    counts
        (C, C) int64, rows are the true classes.
    pairs
        The most frequent confusions, most frequent first.
    """

    counts: NDArray[np.int64]
    pairs: tuple[ConfusedPair, ...]


def confusion(scores: SampleScores, labels: NDArray[np.int64], classes: int) -> Confusion:
    """Return the confusion matrix of a single draw's predictions."""
    if scores.predicted is None or scores.confidence is None:
        raise ValueError("a mean over draws has no confusion matrix")
    counts = np.zeros((classes, classes), np.int64)
    np.add.at(counts, (labels, scores.predicted), 1)
    wrong = counts * (1 - np.eye(classes, dtype=np.int64))
    order = np.argsort(-wrong, axis=None, kind="stable")[:PAIRS]
    pairs = []
    for true, predicted in zip(*np.unravel_index(order, wrong.shape), strict=True):
        if not wrong[true, predicted]:
            break
        shown = np.flatnonzero((labels == true) & (scores.predicted == predicted))
        shown = shown[np.argsort(-scores.confidence[shown], kind="stable")][:EXAMPLES]
        pairs.append(ConfusedPair(int(true), int(predicted), int(wrong[true, predicted]),
                                  tuple(shown.tolist())))  # fmt: skip
    return Confusion(counts, tuple(pairs))


@dataclass(frozen=True)
class Votes:
    """The team's verdict against its members' on test.

    Attributes
    ----------
    right, wrong
        (S + 1,) int64: samples the team gets right (wrong) while k members are right.
    rescued
        Samples the team gets right though most members are wrong, fewest right first.
    lost
        Samples the team gets wrong though most members are right, most right first.
    best_member_right
        Samples the member best on ``select`` gets right and the team wrong.
    best_member_wrong
        Samples the team gets right and that member wrong.
    """

    right: NDArray[np.int64]
    wrong: NDArray[np.int64]
    rescued: tuple[int, ...]
    lost: tuple[int, ...]
    best_member_right: int
    best_member_wrong: int


def votes(team: PoolPredictions, best: int, verdict: NDArray[np.bool_]) -> Votes:
    """Return where the team and its members part.

    Parameters
    ----------
    team
        The members' predictions on test.
    best
        Which of them is best on ``select``.
    verdict
        (N,) whether the team is right.
    """
    members = team.predictions == team.labels
    right = members.sum(0)
    size = len(members)
    order = np.argsort(right, kind="stable")
    return Votes(
        right=np.bincount(right[verdict], minlength=size + 1),
        wrong=np.bincount(right[~verdict], minlength=size + 1),
        rescued=tuple(order[(verdict & (2 * right < size))[order]][:EXAMPLES].tolist()),
        lost=tuple(order[(~verdict & (2 * right > size))[order]][::-1][:EXAMPLES].tolist()),
        best_member_right=int((members[best] & ~verdict).sum()),
        best_member_wrong=int((~members[best] & verdict).sum()),
    )


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
