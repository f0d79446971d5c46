"""The verdict says what the tests say, and no more."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pipelines.compare.comparison import Comparison
from pipelines.compare.paired import Judgement, PairedTest
from pipelines.compare.interval import Interval
from pipelines.report.words import verdict


def judged(comparison: Comparison, gap: Interval, p: float) -> Comparison:
    """Return the comparison with another outcome of the selected team's test against all."""
    tests = tuple(
        PairedTest(t.reference, gap, p, p, p, p) if t.reference == "all_unpruned" else t
        for t in comparison.selected.against
    )
    rows = tuple(
        replace(row, against=tests) if row.contender == "selected" else row
        for row in comparison.results
    )
    return replace(comparison, results=rows)


@pytest.mark.parametrize(
    ("gap", "p", "claim"),
    [
        (Interval(0.02, 0.01, 0.03), 0.001, "are more accurate than all 8 unpruned"),
        (Interval(-0.02, -0.03, -0.01), 0.001, "are less accurate than all 8 unpruned"),
        (Interval(0.01, -0.01, 0.03), 0.3, "show no significant difference"),
        (Interval(0.0, -0.01, 0.01), 1.0, "show no significant difference"),
    ],
)
def test_the_claim_follows_the_tests(
    comparison: Comparison, gap: Interval, p: float, claim: str
) -> None:
    assert claim in verdict(judged(comparison, gap, p)).claim


def test_the_verdict_holds_its_numbers_with_their_intervals(comparison: Comparison) -> None:
    lead = verdict(judged(comparison, Interval(-0.004, -0.0161, 0.0049), 0.4)).sentences[0]
    assert (
        "−0.40 points (95\u202f% interval −1.61\u00a0to\u00a0+0.49, McNemar p\u00a0=\u00a00.40)"
        in lead
    )
    assert "% of the FLOPs" in lead
    assert "300 test samples" in lead


def test_no_difference_is_not_sold_as_equality(comparison: Comparison) -> None:
    open_end = verdict(judged(comparison, Interval(-0.004, -0.0161, 0.0049), 0.4)).doubt
    assert "does not rule out a true difference of −1.61 points" in open_end
    assert verdict(judged(comparison, Interval(0.02, 0.01, 0.03), 0.001)).doubt == ""


@pytest.mark.parametrize(
    ("gap", "plain", "corrected", "said"),
    [
        (Interval(0.02, 0.001, 0.04), 0.03, 0.09, Judgement.NO_DIFFERENCE),
        (Interval(0.02, -0.001, 0.04), 0.01, 0.04, Judgement.NO_DIFFERENCE),
        (Interval(0.02, 0.001, 0.04), 0.01, 0.04, Judgement.BETTER),
        (Interval(-0.02, -0.04, 0.001), 0.03, 0.09, Judgement.WORSE),
        (Interval(-0.02, -0.04, -0.001), 0.06, 0.2, Judgement.WORSE),
        (Interval(-0.02, -0.04, 0.001), 0.06, 0.2, Judgement.NO_DIFFERENCE),
    ],
)
def test_better_needs_every_test_and_worse_only_one(
    gap: Interval, plain: float, corrected: float, said: Judgement
) -> None:
    assert PairedTest("all_unpruned", gap, plain, corrected, plain, corrected).judgement is said


def test_a_team_of_one_is_one(comparison: Comparison) -> None:
    rows = tuple(
        replace(row, members=1) if row.contender == "selected" else row
        for row in comparison.results
    )
    assert "the 1 selected pruned network " in verdict(replace(comparison, results=rows)).claim
