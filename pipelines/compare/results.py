"""One row of the comparison: a contender's numbers with their uncertainty."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from pipelines.compare.bootstrap import bootstrap_t, resampled_means
from pipelines.compare.contenders import ALL_UNPRUNED, EXPORTED, Contender
from pipelines.compare.interval import ALPHA, Interval
from pipelines.compare.mean_intervals import balanced_interval, share_interval
from pipelines.compare.measurements import Measurements
from pipelines.compare.paired_tests import PairedTest, paired_tests
from pipelines.compare.probability_scores import BINS, SampleScores, confidence_bins
from pruning.inference.cost import Cost
from selection.costs import pareto_front


@dataclass(frozen=True)
class Losses:
    """How good the probabilities of one contender are; less is better in all three.

    Attributes
    ----------
    log_loss
        Nats.
    brier
        Summed over the classes, in 0..2.
    ece
        Expected calibration error, in 0..1. Its interval claims no coverage, and a mean over
        draws has none.
    """

    log_loss: Interval
    brier: Interval
    ece: Interval


@dataclass(frozen=True)
class Result:
    """A row of ``comparison.csv``.

    Attributes
    ----------
    contender, members
        Name, and how many networks vote.
    accuracy, balanced_accuracy
        In 0..1, more is better.
    losses
        Of the probabilities as voted.
    temperature, calibrated
        What was fitted on ``select``, and the losses at it; None for a mean over draws.
    against
        Paired tests against `REFERENCES`, less the contender itself; of who was brought
        along, against the selected team too.
    cost, ratios
        Cost per sample, and the same as shares of ``all_unpruned``'s.
    measured, measured_ratios
        Latency and memory, where measured, and the same as shares of ``all_unpruned``'s.
    select_accuracy
        Accuracy on the selection split of what was chosen by it.
    epochs_seen
        Epochs that its networks have behind them, on average; NaN where that is not known.
    """

    contender: str
    members: int
    accuracy: Interval
    balanced_accuracy: Interval
    losses: Losses
    temperature: float | None
    calibrated: Losses | None
    against: tuple[PairedTest, ...]
    cost: Cost
    ratios: Cost
    measured: Measurements
    measured_ratios: Measurements
    select_accuracy: float | None
    epochs_seen: float = math.nan

    def versus(self, reference: str) -> PairedTest | None:
        """Return the paired test against this reference, or None against itself."""
        return next((test for test in self.against if test.reference == reference), None)


Tested = Callable[[Sequence[Contender], np.random.Generator], list[tuple[PairedTest, ...]]]
"""Tests contenders against each other: of each row, its tests."""


def results(
    rows: Sequence[Contender],
    labels: NDArray[np.int64],
    rng: np.random.Generator,
    *,
    whole: str = ALL_UNPRUNED,
    tested: Tested = paired_tests,
) -> tuple[Result, ...]:
    """Return every contender's numbers, all from the same bootstrap draws.

    Parameters
    ----------
    rows
        Distinct names; `whole`, and whom `tested` tests against, among them.
    labels
        (N,) of the test split.
    whole
        The contender of whose cost the others' is a share.
    tested
        Tests every contender.
    """
    everyone = next(row for row in rows if row.name == whole)
    (of_tempered,) = rng.spawn(1)  # how many are tested moves none of their intervals
    plain = _losses([row.scores for row in rows], rng)
    tests = tested(rows, rng)
    calibrated = [row.calibrated.scores for row in rows if row.calibrated]
    tempered = iter(_losses(calibrated, of_tempered))
    return tuple(
        Result(
            contender=row.name,
            members=row.members,
            accuracy=share_interval(row.scores.correct, row.scores.draws),
            balanced_accuracy=balanced_interval(row.scores.correct, labels, row.scores.draws),
            losses=plain[k],
            temperature=row.calibrated.temperature if row.calibrated else None,
            calibrated=next(tempered) if row.calibrated else None,
            against=tests[k],
            cost=row.cost,
            ratios=row.cost.share_of(everyone.cost),
            measured=row.measured,
            measured_ratios=_measured_ratios(row.measured, everyone.measured),
            select_accuracy=row.select_accuracy,
            epochs_seen=row.epochs_seen,
        )
        for k, row in enumerate(rows)
    )


def _losses(scores: Sequence[SampleScores], rng: np.random.Generator) -> list[Losses]:
    """Return each contender's losses, their intervals from the same draws."""
    if not scores:
        return []
    columns = [one.log_loss for one in scores] + [one.brier for one in scores]
    intervals = bootstrap_t(np.stack(columns, 1), rng)
    eces = _ece_intervals(scores, rng)
    return [Losses(intervals[k], intervals[len(scores) + k], eces[k]) for k in range(len(scores))]


def _measured_ratios(one: Measurements, whole: Measurements) -> Measurements:
    pairs = {f.name: (getattr(one, f.name), getattr(whole, f.name)) for f in fields(Measurements)}
    return Measurements(**{name: a / b for name, (a, b) in pairs.items() if a and b})


def _ece_intervals(
    scores: Sequence[SampleScores], rng: np.random.Generator
) -> tuple[Interval, ...]:
    """Percentile intervals of the calibration error; it is biased, so no coverage is claimed."""
    gaps = np.zeros((len(scores[0].correct), len(scores), BINS))
    for k, one in enumerate(scores):
        if one.confidence is not None:
            bins = confidence_bins(one.confidence)
            gaps[np.arange(len(bins)), k, bins] = one.correct - one.confidence
    drawn = resampled_means(gaps.reshape(len(gaps), -1), rng)
    errors = np.abs(drawn).reshape(len(drawn), len(scores), BINS).sum(2)
    low, high = np.quantile(errors, [ALPHA / 2, 1 - ALPHA / 2], axis=0)
    return tuple(
        Interval(one.ece)
        if one.confidence is None
        else Interval(one.ece, min(one.ece, float(low[k])), max(one.ece, float(high[k])))
        for k, one in enumerate(scores)
    )


def on_pareto_front(rows: Sequence[Result]) -> tuple[str, ...]:
    """Return the Pareto front: whom no other beats in both accuracy and FLOPs, cheapest first.

    An exported file takes the FLOPs of the team that it is, and does not take its place.
    """
    rows = [row for row in rows if row.contender not in EXPORTED]
    accuracy = np.array([row.accuracy.value for row in rows])
    flops = np.array([row.cost.flops for row in rows], np.float64)
    return tuple(rows[k].contender for k in pareto_front(accuracy, flops))
