"""The advice follows the tests, and doubt goes against the team."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from pipelines.compare.advice import Advice, advise
from pipelines.compare.comparison import Comparison
from pipelines.compare.contenders import Contender, OtherForms
from pipelines.compare.evidence import Evidence
from pipelines.compare.from_evidence import comparison_of
from pipelines.compare.interval import Interval
from pipelines.compare.paired_tests import Judgement, PairedTest
from pipelines.compare.results import Result
from pipelines.report.plain_answer import besides
from pipelines.report.several_runs import answers

BETTER = PairedTest("single_best_unpruned", Interval(0.03, 0.01, 0.05), 0.001, 0.01, 0.001, 0.01)
WORSE = PairedTest("single_best_unpruned", Interval(-0.03, -0.05, -0.01), 0.001, 0.01, 0.001, 0.01)
SAME = PairedTest("single_best_unpruned", Interval(0.0, -0.02, 0.02), 1.0, 1.0, 1.0, 1.0)


@pytest.fixture(scope="module")
def rows(make_evidence: Callable[..., Evidence]) -> tuple[Result, Result]:
    found = comparison_of(make_evidence(members=6, size=3, classes=4, samples=200))
    return found.selected, found.single_best


@pytest.mark.parametrize(
    ("single", "as_costly", "small", "cost", "advice"),
    [
        (BETTER, None, None, 2.0, Advice.MORE_ACCURATE),
        (BETTER, BETTER, None, 2.0, Advice.MORE_ACCURATE),
        (BETTER, SAME, None, 0.5, Advice.AS_COSTLY_IS_AS_GOOD),
        (BETTER, WORSE, None, 0.5, Advice.AS_COSTLY_IS_BETTER),
        (SAME, None, None, 0.5, Advice.CHEAPER),
        (SAME, None, None, 1.0, Advice.SINGLE_IS_AS_GOOD),
        (SAME, None, None, 2.0, Advice.SINGLE_IS_AS_GOOD),
        (SAME, SAME, None, 0.5, Advice.AS_COSTLY_IS_AS_GOOD),
        (WORSE, BETTER, None, 0.1, Advice.LESS_ACCURATE),
        (BETTER, None, BETTER, 2.0, Advice.MORE_ACCURATE),
        (BETTER, BETTER, SAME, 0.5, Advice.SMALL_ARE_AS_GOOD),
        (BETTER, None, WORSE, 0.5, Advice.SMALL_ARE_BETTER),
        (BETTER, SAME, WORSE, 0.5, Advice.AS_COSTLY_IS_AS_GOOD),
        (SAME, BETTER, BETTER, 0.5, Advice.CHEAPER),
        (WORSE, BETTER, SAME, 0.1, Advice.LESS_ACCURATE),
    ],
)
def test_the_advice_follows_the_tests(
    rows: tuple[Result, Result],
    single: PairedTest,
    as_costly: PairedTest | None,
    small: PairedTest | None,
    cost: float,
    advice: Advice,
) -> None:
    selected, best = rows
    price = replace(selected.cost, flops=cost * best.cost.flops)
    team = replace(
        selected, against=(single,), cost=price, accuracy=Interval(0.9, 0.85, 0.93),
        balanced_accuracy=Interval(0.6, 0.5, 0.7),
    )  # fmt: skip
    assert advise(team, best, as_costly, small, most_frequent=0.3, classes=2) is advice
    assert advise(team, best, as_costly, small, most_frequent=0.85, classes=2) is Advice.NOT_LEARNT
    assert advise(team, best, as_costly, small, most_frequent=0.85, classes=3) is advice


def test_only_what_is_better_or_cheaper_is_to_be_used() -> None:
    said = {advice: advice.answer for advice in Advice}
    assert {a for a, text in said.items() if text == "use it"} == {
        Advice.MORE_ACCURATE, Advice.CHEAPER
    }  # fmt: skip
    assert set(said.values()) == {
        "use it", "not yet", "one ordinary network does as well",
        "small networks, never pruned, do as well",
    }  # fmt: skip


def test_a_team_that_was_not_tested_gets_no_advice(rows: tuple[Result, Result]) -> None:
    with pytest.raises(ValueError, match="selected was not tested against single_best_unpruned"):
        advise(replace(rows[0], against=()), rows[1], None, None, 0.3, 4)


def test_the_control_is_heard(make_evidence: Callable[..., Evidence]) -> None:
    evidence = make_evidence(members=8, size=3, classes=4, samples=300)
    labels = evidence.test.labels
    perfect = evidence.test.probabilities[0] * 0
    perfect[range(len(labels)), labels] = 1
    cost = comparison_of(evidence).selected.cost
    control = Contender.of("control", 1, perfect, labels, cost)
    found = comparison_of(evidence, others=OtherForms((control,)))
    assert found.advice is Advice.AS_COSTLY_IS_BETTER
    assert found.against_control is not None
    assert found.against_control.judgement is Judgement.WORSE


def test_a_small_team_is_heard_after_the_control(make_evidence: Callable[..., Evidence]) -> None:
    evidence = make_evidence(members=8, size=3, classes=4, samples=300)
    plain = comparison_of(evidence)
    team, labels = evidence.test.rows(evidence.selection.team), evidence.test.labels
    right = np.eye(4, dtype=np.float32)[labels]
    wrong = np.roll(right, 1, axis=1)

    def held(small: NDArray[np.float32], control: NDArray[np.float32] = wrong) -> Comparison:
        rows = (("small_team", 3, small), ("control", 1, control))
        brought = [Contender.of(*row, labels, plain.selected.cost) for row in rows]
        return comparison_of(evidence, others=OtherForms(tuple(brought)))

    assert plain.small_team is None and plain.against_small_team is None
    assert held(right).advice is Advice.SMALL_ARE_BETTER
    assert held(team.probabilities.mean(0)).advice is Advice.SMALL_ARE_AS_GOOD
    assert held(wrong).advice is plain.advice
    assert held(right, control=right).advice is Advice.AS_COSTLY_IS_BETTER
    both = "small networks that were never pruned do as well as the team, too"
    assert both in besides(held(right, control=right))
    assert both not in besides(held(right)) and both not in besides(held(wrong, control=right))
    assert "(as do small networks, never pruned)" in answers([held(right, control=right)])
    against = held(wrong).against_small_team
    assert against is not None and against.judgement is Judgement.BETTER
    gap = plain.selected.accuracy.value - np.mean(wrong.argmax(1) == labels)
    assert against.difference.value == pytest.approx(gap)


def test_a_random_team_is_tested_where_there_is_one(make_evidence: Callable[..., Evidence]) -> None:
    found = comparison_of(make_evidence(members=8, size=3, classes=4, samples=300))
    assert found.against_random is not None
    gap = found.selected.accuracy.value - found.row("random_s_pruned").accuracy.value
    assert found.against_random.difference.value == pytest.approx(gap)
    assert comparison_of(make_evidence(members=3, size=3, samples=100)).against_random is None
