"""What the numbers mean in words."""

from __future__ import annotations

import math
from dataclasses import dataclass

from pipelines.compare.comparison import Comparison
from pipelines.compare.contenders import RANDOM
from pipelines.compare.interval import ALPHA, Interval
from pipelines.compare.paired_tests import Judgement, PairedTest
from pipelines.compare.results import Result
from pipelines.report.contender_names import team_again, team_name
from pipelines.report.number_format import (
    amount,
    p_value,
    percent,
    percent_range,
    points,
    points_range,
    ratio,
    whole,
)
from pipelines.report.plain_answer import besides, plain_answer

_CLAIMS = {
    Judgement.BETTER: "{are} more accurate than",
    Judgement.WORSE: "{are} less accurate than",
    Judgement.NO_DIFFERENCE: "{show} no significant difference in accuracy from",
}


@dataclass(frozen=True)
class Verdict:
    """What is said of a run, for a page's opening, for a terminal and for Markdown.

    Attributes
    ----------
    answer
        In plain words, for somebody who reads no further.
    besides
        What belongs to the answer: rare classes that suffer, whether all together are better
        still, and whether a random team does as well; may be empty.
    claim
        The selected team against all unpruned networks.
    evidence
        The rest of that sentence: the accuracies and their difference.
    single
        The team against the best single unpruned network.
    doubt
        What the test set cannot rule out; empty where there is nothing to add.
    control
        The team against one network as costly, or that none was trained where one can be;
        else empty.
    small_team
        The team against as many small networks; empty where none were trained.
    random
        The team against a random one of its size; empty where there is one team to draw.
    rare
        How accurate it is where all classes count alike; empty unless rare ones suffer.
    """

    answer: str
    besides: str
    claim: str
    evidence: str
    single: str
    doubt: str
    control: str = ""
    small_team: str = ""
    random: str = ""
    rare: str = ""

    @property
    def sentences(self) -> tuple[str, ...]:
        """Everything said, a sentence each."""
        return (self.opening, *self.details)

    @property
    def opening(self) -> str:
        """The answer and what belongs to it."""
        return f"{self.answer} {self.besides}".rstrip()

    @property
    def details(self) -> tuple[str, ...]:
        """What stands behind the answer."""
        lead = f"{self.claim}: {self.evidence}"
        held = (self.single, self.control, self.small_team, self.random, self.rare, self.doubt)
        return (lead, *filter(None, held))


def verdict(comparison: Comparison) -> Verdict:
    """Return the verdict in words; every number in it is rounded against the team."""
    selected, everyone, best = comparison.selected, comparison.all_unpruned, comparison.single_best
    against_all, against_best = _test(selected, everyone), _test(selected, best)
    claim = (
        f"At {ratio(selected.ratios.flops)} of the FLOPs, {team_name(comparison)} "
        f"{_claim(against_all, selected.members)} all {everyone.members} unpruned"
    )
    evidence = (
        f"{_accuracy(selected)} against {_accuracy(everyone)} of "
        f"{whole(comparison.split_sizes['test'])} test samples, "
        f"a difference of {_gap(against_all)}."
    )
    single = (
        f"At {amount(selected.cost.flops)} FLOPs, {'they' if selected.members > 1 else 'it'} "
        f"{_claim(against_best, selected.members)} the best single unpruned network, which takes "
        f"{amount(best.cost.flops)} and gets {_accuracy(best)}: "
        f"a difference of {_gap(against_best)}."
    )
    return Verdict(
        answer=plain_answer(comparison),
        besides=besides(comparison),
        claim=claim,
        evidence=evidence,
        single=single,
        doubt=_doubt(against_all),
        control=_control(comparison),
        small_team=_held(
            comparison, comparison.small_team, comparison.against_small_team,
            "As many small networks, never pruned, at {} FLOPs together, get", "them",
        ),
        random=_random(comparison),
        rare=_rare(comparison),
    )  # fmt: skip


def _control(comparison: Comparison) -> str:
    """The team's difference to one network as costly, or that this was not tried."""
    if comparison.trains_control:
        return "One unpruned network as costly, trained as long, was not tried: it may do as well."
    return _held(
        comparison, comparison.control, comparison.against_control,
        "One unpruned network as costly, at {} FLOPs, gets", "it",
    )  # fmt: skip


def _held(
    comparison: Comparison, row: Result | None, test: PairedTest | None, lead: str, rival: str
) -> str:
    """The team's difference to a control, rounded against the team; empty where there is none."""
    if row is None or test is None:
        return ""
    return (
        f"{lead.format(amount(row.cost.flops))} {_accuracy(row)}: {team_again(comparison)} "
        f"{_claim(test, 1)} {rival}, a difference of {_gap(test)}."
    )


def _random(comparison: Comparison) -> str:
    """The team's difference to random teams of its size, rounded against the team."""
    test = comparison.against_random
    if test is None:
        return ""
    row = comparison.row(RANDOM)
    drawn = f"Random teams of {row.members}" if row.members > 1 else "Single networks at random"
    return (
        f"{drawn} get {_accuracy(row)} on average: {team_again(comparison)}’s difference is "
        f"{_gap(test)}."
    )


def _rare(comparison: Comparison) -> str:
    """The accuracy with all classes alike, and how often the rare ones are recognised."""
    if not comparison.suffering:
        return ""
    balanced, best = comparison.selected.balanced_accuracy, comparison.single_best.balanced_accuracy
    recalls = ", ".join(
        f"“{comparison.classes[one.index]}” {_with_range(one.recall)}"
        for one in comparison.suffering
    )
    return (
        f"Where every class counts alike, {team_again(comparison)} gets {_with_range(balanced)} "
        f"and the best single unpruned network {_with_range(best)}. "
        f"Of rare classes it recognises: {recalls}."
    )


def _claim(test: PairedTest, members: int) -> str:
    verbs = {"are": "are", "show": "show"} if members > 1 else {"are": "is", "show": "shows"}
    return _CLAIMS[test.judgement].format(**verbs)


def _test(row: Result, reference: Result) -> PairedTest:
    test = row.versus(reference.contender)
    if test is None:
        raise ValueError(f"{row.contender} was not tested against {reference.contender}")
    return test


def _accuracy(row: Result) -> str:
    return _with_range(row.accuracy)


def _with_range(share: Interval) -> str:
    return f"{percent(share.value)} ({_unbroken(percent_range(share))})"


def _gap(test: PairedTest) -> str:
    interval, p = _unbroken(points_range(test.difference)), p_text(test)
    most = _unbroken(p_value(test.corrected_p))  # of two tests: the table has McNemar's alone
    but = f"; corrected for all comparisons, p\u00a0up\u00a0to\u00a0{most}"
    said = f"95\u202f% interval {interval}{p}{but if test.undone else ''}"
    return f"{points(test.difference.value)} points ({said})"


def p_text(test: PairedTest) -> str:
    """Return McNemar's p-value as it follows an interval; the bootstrap's where that decides."""
    if math.isnan(test.mcnemar_p):
        return ""
    said = f", McNemar p\u00a0{_equals(test.mcnemar_p)}"
    decides = test.judgement is Judgement.WORSE and test.mcnemar_p >= ALPHA > test.bootstrap_p
    return f"{said}, bootstrap p\u00a0{_equals(test.bootstrap_p)}" if decides else said


def _equals(p: float) -> str:
    shown = p_value(p)
    return _unbroken(shown if shown.startswith("<") else f"= {shown}")


def _unbroken(interval: str) -> str:
    return interval.replace(" ", "\u00a0")


def _doubt(test: PairedTest) -> str:
    gap = test.difference
    if test.judgement is Judgement.NO_DIFFERENCE and gap.low < 0:
        low = points_range(gap).split(" to ")[0]
        return (
            "No significant difference is not equality: this test set does not rule out "
            f"a true difference of {low} points."
        )
    return ""
