"""The verdict says what the tests say, and no more."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from pipelines.compare.comparison import Comparison
from pipelines.compare.interval import Interval
from pipelines.compare.paired_tests import Judgement, PairedTest
from pipelines.report.page import render
from pipelines.report.verdict import p_text, verdict


def judged(
    comparison: Comparison, gap: Interval, p: float, reference: str = "all_unpruned"
) -> Comparison:
    """Return the comparison with another outcome of one of the selected team's tests."""
    tests = tuple(
        PairedTest(t.reference, gap, p, p, p, p) if t.reference == reference else t
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
    lead = verdict(judged(comparison, Interval(-0.004, -0.0161, 0.0049), 0.4)).details[0]
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


def test_the_p_value_that_decides_stands_there() -> None:
    gap = Interval(-0.1167, -0.2097, 0.0)
    by_bootstrap = PairedTest("first", gap, 0.065, 0.065, 0.049, 0.049)
    assert by_bootstrap.judgement is Judgement.WORSE
    assert "bootstrap p\u00a0=\u00a00.049" in p_text(by_bootstrap)
    neither = replace(by_bootstrap, bootstrap_p=0.06)
    assert p_text(neither) == ", McNemar p\u00a0=\u00a00.065"
    assert p_text(replace(by_bootstrap, mcnemar_p=0.01)) == ", McNemar p\u00a0=\u00a00.010"


def test_a_team_of_one_is_one(comparison: Comparison) -> None:
    rows = tuple(
        replace(row, members=1) if row.contender == "selected" else row
        for row in comparison.results
    )
    assert "the selected pruned network " in verdict(replace(comparison, results=rows)).claim


BETTER, SAME, WORSE = (Interval(0.02, 0.01, 0.03), Interval(0.0, -0.01, 0.01),
                       Interval(-0.02, -0.03, -0.01))  # fmt: skip


@pytest.mark.parametrize(
    ("gap", "p", "answer"),
    [
        (BETTER, 0.001, "Use it: the selected team of 3 pruned networks is more accurate than the"),
        (SAME, 1.0, "Use it to save computation: as far as 300 test samples tell, the selected"),
        (WORSE, 0.001, "Not yet: the selected team of 3 pruned networks is less accurate than"),
    ],
)
def test_the_first_line_is_a_plain_answer(
    comparison: Comparison, gap: Interval, p: float, answer: str
) -> None:
    found = judged(comparison, gap, p, "single_best_unpruned")
    assert verdict(found).sentences[0].startswith(answer)
    share = found.selected.cost.flops / found.single_best.cost.flops
    assert f"for {100 * share:.1f}" in verdict(found).answer


def test_one_network_that_is_as_good_and_no_dearer_is_recommended(comparison: Comparison) -> None:
    found = judged(comparison, SAME, 1.0, "single_best_unpruned")
    dear = replace(found.selected.cost, flops=1.5 * found.single_best.cost.flops)
    rows = tuple(
        replace(row, cost=dear) if row.contender == "selected" else row for row in found.results
    )
    answer = verdict(replace(found, results=rows)).answer
    assert answer.startswith("One ordinary (unpruned) network does as well")
    assert "for 1.5 times its computation" in answer


@pytest.mark.parametrize(
    ("gap", "p", "said"),
    [
        (BETTER, 0.001, "The choice matters: a random team of 3 pruned networks is less accurate"),
        (SAME, 1.0, "A random team of 3 pruned networks does as well"),
        (WORSE, 0.001, "A random team of 3 pruned networks is more accurate"),
    ],
)
def test_a_random_team_that_does_as_well_is_told(
    comparison: Comparison, gap: Interval, p: float, said: str
) -> None:
    test = PairedTest("random_s_pruned", gap, math.nan, math.nan, p, p)
    assert said in verdict(replace(comparison, against_random=test)).opening
    assert "andom" not in verdict(replace(comparison, against_random=None)).opening


def test_what_is_said_of_a_random_team_has_its_interval(comparison: Comparison) -> None:
    test = PairedTest(
        "random_s_pruned", Interval(-0.0176, -0.031, -0.004), math.nan, math.nan, 0.01, 0.01
    )
    said = verdict(replace(comparison, against_random=test)).details
    [line] = [line for line in said if line.startswith("Random teams of 3 get ")]
    assert line.endswith(
        "difference is −1.76 points (95\u202f% interval −3.10\u00a0to\u00a0−0.40)."
    )
    alone = verdict(replace(comparison, against_random=None))
    assert not alone.random and not any("andom" in line for line in alone.details)


def test_all_together_are_named_where_they_are_better(comparison: Comparison) -> None:
    useful = judged(comparison, BETTER, 0.001, "single_best_unpruned")
    assert "All 8 ordinary networks together are more accurate still" in (
        verdict(judged(useful, WORSE, 0.001)).besides
    )
    assert "together" not in verdict(judged(useful, SAME, 1.0)).opening


def test_rare_classes_that_suffer_are_named(comparison: Comparison) -> None:
    assert "Rare" not in " ".join(verdict(comparison).sentences)
    counts = np.diag([200, 80, 0, 1])
    counts[2, 0], counts[3, 0] = 9, 9
    confusion = replace(comparison.chosen.confusion, counts=counts)
    uneven = replace(comparison, chosen=replace(comparison.chosen, confusion=confusion))
    said = verdict(uneven)
    assert (
        "Rare classes suffer: it recognises 0 of 9 test samples of “class 2”, "
        "1 of 10 test samples of “class 3”. " in said.opening
    )
    assert said.rare in said.details
    assert "Where every class counts alike, the team gets " in said.rare
    assert said.rare.endswith("“class 3” 10.00\u202f% (1.78\u00a0to\u00a040.42).")
    assert said.rare in render(uneven)


@pytest.mark.parametrize(
    ("corrected", "claim", "explained"),
    [(0.067, "no significant difference", True), (0.02, "more accurate", False)],
)
def test_an_interval_without_0_beside_no_difference_is_explained(
    comparison: Comparison, corrected: float, claim: str, explained: bool
) -> None:
    gap = Interval(0.07, 0.02, 0.13)
    test = PairedTest("all_unpruned", gap, 0.01, corrected, 0.01, corrected)
    row = replace(comparison.selected, against=(test, *comparison.selected.against[1:]))
    rows = tuple(row if one.contender == "selected" else one for one in comparison.results)
    lead = verdict(replace(comparison, results=rows)).details[0]
    assert claim in lead
    why = (
        "McNemar p\u00a0=\u00a00.010; corrected for all comparisons, p\u00a0up\u00a0to\u00a00.067)"
    )
    assert (why in lead) is explained
    assert ("corrected" in lead) is explained
