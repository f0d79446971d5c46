"""Validation accuracy while DropNet removes units: every run, and the mean over the runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pipelines.compare.interval import Interval
from pipelines.compare.mean_intervals import mean_interval
from pipelines.run.records import RoundRecord


@dataclass(frozen=True)
class Curve:
    """One DropNet run: validation accuracy against the share of units remaining.

    Attributes
    ----------
    run
        Which run.
    remaining, accuracy
        One value per round, from round 0.
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
        How many runs reached the round. Those that stopped early are not among them, so
        that late points rest on the runs that pruned best.
    """

    remaining: float
    accuracy: Interval
    runs: int


def curves(members: Sequence[RoundRecord]) -> tuple[Curve, ...]:
    """Return every run's curve, its rounds in order."""
    runs = sorted({m.run for m in members})
    rounds = {run: [m for m in members if m.run == run] for run in runs}
    return tuple(
        Curve(run, tuple(m.remaining for m in kept), tuple(m.val_accuracy for m in kept))
        for run, kept in rounds.items()
    )


def mean_curve(runs: Sequence[Curve]) -> tuple[MeanPoint, ...]:
    """Return the mean over the runs that reached each round."""
    last = max(len(run.remaining) for run in runs)
    return tuple(_mean_point(runs, round_) for round_ in range(last))


def _mean_point(runs: Sequence[Curve], round_: int) -> MeanPoint:
    reached = [run for run in runs if len(run.remaining) > round_]
    known = mean_interval(np.array([run.accuracy[round_] for run in reached]))
    low, high = (float(np.clip(end, 0, 1)) for end in (known.low, known.high))
    return MeanPoint(
        remaining=float(np.mean([run.remaining[round_] for run in reached])),
        accuracy=Interval(known.value, low, high),
        runs=len(reached),
    )
