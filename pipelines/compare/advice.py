"""What the tests advise: use the team, take one ordinary network, or wait."""

from __future__ import annotations

from enum import Enum

from pipelines.compare.paired_tests import Judgement, PairedTest
from pipelines.compare.results import Result


class Advice(Enum):
    """The plain answer of a comparison, and which test gives it.

    “Ordinary” is an unpruned network that was trained as usual.
    """

    NOT_LEARNT = "not better than always naming the most frequent class"
    LESS_ACCURATE = "less accurate than the best single ordinary network"
    AS_COSTLY_IS_BETTER = "less accurate than one ordinary network of the same cost"
    AS_COSTLY_IS_AS_GOOD = "no better than one ordinary network of the same cost"
    SMALL_ARE_BETTER = "less accurate than as many small networks, never pruned, of the same cost"
    SMALL_ARE_AS_GOOD = "no better than as many small networks, never pruned, of the same cost"
    SINGLE_IS_AS_GOOD = "no better than the best single ordinary network, and no cheaper"
    CHEAPER = "cheaper than the best single ordinary network, with no difference in accuracy"
    MORE_ACCURATE = "more accurate than the best single ordinary network"

    @property
    def answer(self) -> str:
        """The answer in a few words."""
        if self in (Advice.MORE_ACCURATE, Advice.CHEAPER):
            return "use it"
        if self in (Advice.NOT_LEARNT, Advice.LESS_ACCURATE):
            return "not yet"
        if self in (Advice.SMALL_ARE_BETTER, Advice.SMALL_ARE_AS_GOOD):
            return "small networks, never pruned, do as well"
        return "one ordinary network does as well"


def has_learnt(selected: Result, most_frequent: float, classes: int) -> bool:
    """Return whether a team is shown to do better than always naming one class.

    Parameters
    ----------
    selected
        The team.
    most_frequent
        Share of the test samples that are of the most frequent class: what naming it
        always gets right.
    classes
        How many the test samples are of: naming one always gets right one of so many, where
        they count alike. A team that is better than that has learnt something, too.
    """
    return selected.accuracy.low > most_frequent or selected.balanced_accuracy.low > 1 / classes


def advise(
    selected: Result,
    single: Result,
    as_costly: PairedTest | None,
    small: PairedTest | None,
    most_frequent: float,
    classes: int,
) -> Advice:
    """Return what the tests advise, with every doubt against the team.

    Parameters
    ----------
    selected, single
        The team, and the single unpruned network best on ``select``, which the team was
        tested against.
    as_costly
        The team's test against one unpruned network of its cost; None if none was trained.
    small
        Likewise against as many small unpruned networks, together of its cost.
    most_frequent
        Share of the test samples that are of the most frequent class.
    classes
        How many the test samples are of.
    """
    test = selected.versus(single.contender)
    if test is None:
        raise ValueError(f"{selected.contender} was not tested against {single.contender}")
    if not has_learnt(selected, most_frequent, classes):
        return Advice.NOT_LEARNT
    if test.judgement is Judgement.WORSE:
        return Advice.LESS_ACCURATE
    if as_costly and as_costly.judgement is Judgement.WORSE:
        return Advice.AS_COSTLY_IS_BETTER
    if as_costly and as_costly.judgement is Judgement.NO_DIFFERENCE:
        return Advice.AS_COSTLY_IS_AS_GOOD
    if small and small.judgement is Judgement.WORSE:
        return Advice.SMALL_ARE_BETTER
    if small and small.judgement is Judgement.NO_DIFFERENCE:
        return Advice.SMALL_ARE_AS_GOOD
    if test.judgement is Judgement.BETTER:
        return Advice.MORE_ACCURATE
    return Advice.CHEAPER if selected.cost.flops < single.cost.flops else Advice.SINGLE_IS_AS_GOOD
