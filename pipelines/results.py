"""One row of the comparison: a contender's numbers with their uncertainty."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields
from enum import Enum

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pipelines.contenders import ALL_UNPRUNED, SINGLE_BEST, Contender, Measurements, TeamCost
from pipelines.quality import BINS, SampleScores, confidence_bins
from pipelines.statistics import (
    CONFIDENCE,
    Interval,
    balanced_interval,
    bootstrap_t,
    holm,
    mcnemar,
    paired_bootstrap,
    resampled_means,
    share_interval,
)

REFERENCES = (ALL_UNPRUNED, SINGLE_BEST)
ALPHA = 1 - CONFIDENCE


class Judgement(Enum):
    """What may be said of a difference in accuracy."""

    BETTER = "better"
    WORSE = "worse"
    NO_DIFFERENCE = "no significant difference"


@dataclass(frozen=True)
class PairedTest:
    """One contender against a reference, on the same test samples.

    Attributes
    ----------
    reference
        Name of the contender compared with.
    difference
        Accuracy less the reference's, with its paired bootstrap interval.
    mcnemar_p, mcnemar_holm
        Exact two-sided p-value, as it is and corrected for all comparisons of the table;
        NaN where the contender is a mean over draws.
    bootstrap_p, bootstrap_holm
        Two-sided p-value of the paired bootstrap, likewise.
    """

    reference: str
    difference: Interval
    mcnemar_p: float
    mcnemar_holm: float
    bootstrap_p: float
    bootstrap_holm: float

    @property
    def judgement(self) -> Judgement:
        """What may be said, with the doubt always against the contender.

        "Better" needs every corrected test and the interval; for "worse" one uncorrected
        test, or the interval, is enough.
        """
        corrected = [p for p in (self.mcnemar_holm, self.bootstrap_holm) if not math.isnan(p)]
        plain = [p for p in (self.mcnemar_p, self.bootstrap_p) if not math.isnan(p)]
        gap = self.difference
        if gap.high < 0 or (gap.value < 0 and min(plain) < ALPHA):
            return Judgement.WORSE
        if gap.low > 0 and max(corrected) < ALPHA:
            return Judgement.BETTER
        return Judgement.NO_DIFFERENCE


@dataclass(frozen=True)
class Result:
    """A row of ``comparison.csv``.

    Attributes
    ----------
    contender, members
        Name, and how many networks vote.
    accuracy, balanced_accuracy
        In 0..1, more is better.
    log_loss, brier, ece
        Less is better; Brier is the sum over the classes, in 0..2. The interval of `ece`
        claims no coverage, and a mean over draws has none.
    against
        Paired tests against `REFERENCES`, less the contender itself.
    cost, ratios
        Cost per sample, and the same as shares of ``all_unpruned``'s.
    measured
        Latency and memory, where measured.
    select_accuracy
        Accuracy on the selection split of what was chosen by it.
    """

    contender: str
    members: int
    accuracy: Interval
    balanced_accuracy: Interval
    log_loss: Interval
    brier: Interval
    ece: Interval
    against: tuple[PairedTest, ...]
    cost: TeamCost
    ratios: TeamCost
    measured: Measurements
    select_accuracy: float | None

    def versus(self, reference: str) -> PairedTest | None:
        """Return the paired test against this reference, or None against itself."""
        return next((test for test in self.against if test.reference == reference), None)


def results(
    rows: Sequence[Contender], labels: NDArray[np.int64], rng: np.random.Generator
) -> tuple[Result, ...]:
    """Return every contender's numbers, all from the same bootstrap draws.

    Parameters
    ----------
    rows
        Distinct names, ``all_unpruned`` and ``single_best_unpruned`` among them.
    labels
        (N,) of the test split.
    """
    whole = next(row.cost for row in rows if row.name == ALL_UNPRUNED)
    losses = np.stack([row.scores.log_loss for row in rows], 1)
    briers = np.stack([row.scores.brier for row in rows], 1)
    intervals = bootstrap_t(np.concatenate([losses, briers], 1), rng)
    eces = _ece_intervals([row.scores for row in rows], rng)
    tests = _paired_tests(rows, rng)
    return tuple(
        Result(
            contender=row.name,
            members=row.members,
            accuracy=share_interval(row.scores.correct, row.scores.draws),
            balanced_accuracy=balanced_interval(row.scores.correct, labels, row.scores.draws),
            log_loss=intervals[k],
            brier=intervals[len(rows) + k],
            ece=eces[k],
            against=tests[k],
            cost=row.cost,
            ratios=_ratios(row.cost, whole),
            measured=row.measured,
            select_accuracy=row.select_accuracy,
        )
        for k, row in enumerate(rows)
    )


def _ratios(cost: TeamCost, whole: TeamCost) -> TeamCost:
    return TeamCost(
        *(getattr(cost, f.name) / max(getattr(whole, f.name), 1) for f in fields(TeamCost))
    )


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


def _paired_tests(
    rows: Sequence[Contender], rng: np.random.Generator
) -> list[tuple[PairedTest, ...]]:
    """Test every contender against every reference; a pair met twice counts once for Holm."""
    by_name = {row.name: row for row in rows}
    pairs = [
        (row, by_name[reference])
        for k, reference in enumerate(REFERENCES)
        for row in rows
        if row.name not in REFERENCES[: k + 1]
    ]
    differences = np.stack([a.scores.correct - b.scores.correct for a, b in pairs], 1)
    drawn = paired_bootstrap(differences, rng)
    exact = np.array([_mcnemar(a.scores, b.scores) for a, b in pairs])
    plain = np.array([one.p for one in drawn])
    exact_holm, plain_holm = holm(exact), holm(plain)
    found: dict[str, list[PairedTest]] = {row.name: [] for row in rows}
    for k, (row, reference) in enumerate(pairs):
        p = (exact[k], exact_holm[k], plain[k], plain_holm[k])
        numbers = tuple(float(value) for value in p)
        gap = drawn[k].difference
        found[row.name].append(PairedTest(reference.name, gap, *numbers))
        if row.name in REFERENCES:
            mirrored = Interval(-gap.value, -gap.high, -gap.low)
            found[reference.name].append(PairedTest(row.name, mirrored, *numbers))
    return [tuple(found[row.name]) for row in rows]


def _mcnemar(first: SampleScores, second: SampleScores) -> float:
    if first.hits is None or second.hits is None:
        return math.nan
    return mcnemar(first.hits, second.hits)


INTERVALS = ("accuracy", "balanced_accuracy", "log_loss", "brier", "ece")
_TESTS = ("mcnemar_p", "mcnemar_holm", "bootstrap_p", "bootstrap_holm")


def table(rows: Sequence[Result]) -> pd.DataFrame:
    """Return ``comparison.csv``: one row a contender; what nobody measured has no column."""
    frame = pd.DataFrame([_record(row) for row in rows])
    measured = [f.name for f in fields(Measurements)]
    absent = [name for name in (*measured, "select_accuracy") if frame[name].isna().all()]
    return frame.drop(columns=absent)


def _record(row: Result) -> dict[str, object]:
    record: dict[str, object] = {"contender": row.contender, "members": row.members}
    for name in INTERVALS:
        record |= _ends(name, getattr(row, name))
    record["select_accuracy"] = row.select_accuracy
    for reference in REFERENCES:
        test = row.versus(reference)
        gap = test.difference if test else Interval(math.nan)
        record |= _ends(f"difference_to_{reference}", gap)
        for name in _TESTS:
            record[f"{name}_{reference}"] = getattr(test, name) if test else math.nan
    record |= {f.name: getattr(row.cost, f.name) for f in fields(TeamCost)}
    record |= {f"{f.name}_ratio": getattr(row.ratios, f.name) for f in fields(TeamCost)}
    record |= {f.name: getattr(row.measured, f.name) for f in fields(Measurements)}
    return record


def _ends(name: str, interval: Interval) -> dict[str, object]:
    return {name: interval.value, f"{name}_low": interval.low, f"{name}_high": interval.high}
