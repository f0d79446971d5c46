"""Contenders tested against each other on the same samples, and what the tests allow to say."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import Enum

import numpy as np

from pipelines.compare.bootstrap import paired_bootstrap
from pipelines.compare.contenders import ALL_UNPRUNED, SELECTED, SINGLE_BEST, Contender
from pipelines.compare.interval import ALPHA, Interval
from pipelines.compare.probability_scores import SampleScores
from pipelines.compare.significance import holm, mcnemar

REFERENCES = (ALL_UNPRUNED, SINGLE_BEST)


class Judgement(Enum):
    """What the tests allow to say of a difference in accuracy."""

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
    def mirrored(self) -> PairedTest:
        """The same test seen from the reference, which is then called by its own name."""
        gap = self.difference
        return replace(self, difference=Interval(-gap.value, -gap.high, -gap.low))

    @property
    def corrected_p(self) -> float:
        """The larger of the corrected p-values that there are."""
        return max(p for p in (self.mcnemar_holm, self.bootstrap_holm) if not math.isnan(p))

    @property
    def undone(self) -> bool:
        """Whether the contender looks better alone, and the correction takes that away."""
        alone = self.difference.low > 0 or (self.difference.value > 0 and self.mcnemar_p < ALPHA)
        return alone and self.corrected_p >= ALPHA

    @property
    def judgement(self) -> Judgement:
        """What the tests allow to say; doubt always counts against the contender.

        "Better" needs every corrected test and the interval; for "worse" one uncorrected
        test, or the interval, is enough.
        """
        plain = [p for p in (self.mcnemar_p, self.bootstrap_p) if not math.isnan(p)]
        gap = self.difference
        if gap.high < 0 or (gap.value < 0 and min(plain) < ALPHA):
            return Judgement.WORSE
        if gap.low > 0 and self.corrected_p < ALPHA:
            return Judgement.BETTER
        return Judgement.NO_DIFFERENCE


def paired_tests(
    rows: Sequence[Contender], rng: np.random.Generator
) -> list[tuple[PairedTest, ...]]:
    """Test every contender against the references, and who was brought along against the team.

    A pair that occurs twice counts once for Holm. Contenders that were brought along are
    corrected apart, so that what is said of the run's own teams does not depend on what was
    exported. Their intervals do not depend on who was brought along after them.
    """
    by_name = {row.name: row for row in rows}
    own = [
        (row, by_name[reference])
        for k, reference in enumerate(REFERENCES)
        for row in rows
        if not row.brought and row.name not in REFERENCES[: k + 1]
    ]
    brought = [
        (row, by_name[reference])
        for row in rows
        if row.brought
        for reference in (*REFERENCES, SELECTED)
    ]
    found: dict[str, list[PairedTest]] = {row.name: [] for row in rows}
    for pairs in filter(None, (own, brought)):
        scores = [(row.scores, reference.scores) for row, reference in pairs]
        tests = tested_together(scores, [reference.name for _, reference in pairs], rng)
        for (row, reference), test in zip(pairs, tests, strict=True):
            found[row.name].append(test)
            if row.name in REFERENCES:
                found[reference.name].append(replace(test.mirrored, reference=row.name))
    return [tuple(found[row.name]) for row in rows]


def tested_together(
    pairs: Sequence[tuple[SampleScores, SampleScores]],
    references: Sequence[str],
    rng: np.random.Generator,
) -> list[PairedTest]:
    """Test the first of each pair against the second, all corrected together.

    Parameters
    ----------
    pairs
        On the same samples; may be none.
    references
        What the second of each pair is called.
    rng
        Draws the bootstrap.
    """
    if not pairs:
        return []
    drawn = paired_bootstrap(np.stack([a.correct - b.correct for a, b in pairs], 1), rng)
    exact = np.array([_mcnemar(a, b) for a, b in pairs])
    plain = np.array([one.p for one in drawn])
    columns = np.stack([exact, holm(exact), plain, holm(plain)], 1).tolist()
    return [
        PairedTest(reference, one.difference, *row)
        for reference, one, row in zip(references, drawn, columns, strict=True)
    ]


def _mcnemar(first: SampleScores, second: SampleScores) -> float:
    if first.hits is None or second.hits is None:
        return math.nan
    return mcnemar(first.hits, second.hits)
