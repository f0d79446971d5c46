"""The answer for somebody who reads one line: use it, one ordinary network does as well, not yet.

“Ordinary” is an unpruned network that was trained as usual.
"""

from __future__ import annotations

from pipelines.compare.advice import Advice
from pipelines.compare.comparison import Comparison
from pipelines.compare.paired_tests import Judgement
from pipelines.report.contender_names import team_of
from pipelines.report.number_format import ratio, up, whole

NAMED = 3
"""Classes at most that are named."""

_ANSWERS = {
    Advice.NOT_LEARNT: "Not yet: {team} is not shown to do better than always naming the most "
    "frequent class.",
    Advice.LESS_ACCURATE: "Not yet: {team} is less accurate than the best ordinary (unpruned) "
    "network, for {cost} its computation.",
    Advice.AS_COSTLY_IS_BETTER: "One ordinary (unpruned) network does better: one that takes as "
    "much computation as {team} is more accurate.",
    Advice.AS_COSTLY_IS_AS_GOOD: "One ordinary (unpruned) network does as well: one that takes as "
    "much computation as {team} is as accurate, as far as {samples} test samples tell.",
    Advice.SMALL_ARE_BETTER: "Small networks do better: {members} that were never pruned, "
    "together as costly as {team}, are more accurate.",
    Advice.SMALL_ARE_AS_GOOD: "Small networks do as well: {members} that were never pruned, "
    "together as costly as {team}, are as accurate, as far as {samples} test samples tell.",
    Advice.SINGLE_IS_AS_GOOD: "One ordinary (unpruned) network does as well: as far as {samples} "
    "test samples tell, {team} is no more accurate than the best one, for {cost} its computation.",
    Advice.CHEAPER: "Use it to save computation: as far as {samples} test samples tell, {team} is "
    "as accurate as the best ordinary (unpruned) network, for {cost} its computation.",
    Advice.MORE_ACCURATE: "Use it: {team} is more accurate than the best ordinary (unpruned) "
    "network, for {cost} its computation.",
}
_RANDOM = {
    Judgement.BETTER: "The choice matters: {random} is less accurate.",
    Judgement.WORSE: "{random} is more accurate: the choice did harm.",
    Judgement.NO_DIFFERENCE: "{random} does as well: the choice is not shown to matter.",
}


def plain_answer(comparison: Comparison) -> str:
    """Return the answer in a sentence."""
    return _ANSWERS[comparison.advice].format(
        team=team_of(comparison),
        members=comparison.selected.members,
        samples=whole(comparison.split_sizes["test"]),
        cost=_of_its(comparison.selected.cost.flops / comparison.single_best.cost.flops),
    )


def besides(comparison: Comparison) -> str:
    """Return what else does as well, what suffers, and whether the choice mattered."""
    said = (
        _small(comparison), _rare(comparison), _all_together(comparison), _at_random(comparison),
    )  # fmt: skip
    return " ".join(filter(None, said))


def _small(comparison: Comparison) -> str:
    """Whether as many small networks do as well, where the answer names one as costly."""
    if not small_do_so_too(comparison):
        return ""
    return "As many small networks that were never pruned do as well as the team, too."


def small_do_so_too(comparison: Comparison) -> bool:
    """Whether the team is no better than small networks either, where one as costly is as good."""
    test = comparison.against_small_team
    one = (Advice.AS_COSTLY_IS_BETTER, Advice.AS_COSTLY_IS_AS_GOOD)
    better = test is None or test.judgement is Judgement.BETTER
    return comparison.advice in one and not better


def _rare(comparison: Comparison) -> str:
    """How little of rare classes the team recognises, where it recognises less of them."""
    low = comparison.suffering
    if not low:
        return ""
    shown = [
        f"{whole(one.right)} of {whole(one.samples)} test samples of “{name}”"
        for one in low[:NAMED]
        for name in (comparison.classes[one.index],)
    ]
    more = f" and less of {len(low) - NAMED} more" if len(low) > NAMED else ""
    return f"Rare classes suffer: it recognises {', '.join(shown)}{more}."


def _of_its(share: float) -> str:
    """Return a share of a cost, as it stands before “its computation”."""
    return f"{ratio(share)} of" if share < 1 else f"{up(share, 1)} times"


def _all_together(comparison: Comparison) -> str:
    """What a team worth using gives away, where it is less accurate than all together."""
    everyone = comparison.all_unpruned
    test = comparison.selected.versus(everyone.contender)
    useful = comparison.advice in (Advice.MORE_ACCURATE, Advice.CHEAPER)
    if not useful or test is None or test.judgement is not Judgement.WORSE:
        return ""
    return (
        f"All {everyone.members} ordinary networks together are more accurate still; it takes "
        f"{ratio(comparison.selected.ratios.flops)} of their computation."
    )


def _at_random(comparison: Comparison) -> str:
    """Whether a random team does as well; nothing where there is one team to draw."""
    if comparison.against_random is None:
        return ""
    size = comparison.selected.members
    networks = f"{size} pruned networks" if size > 1 else "one pruned network"
    text = _RANDOM[comparison.against_random.judgement].format(
        random=f"a random team of {networks}" if size > 1 else f"{networks} drawn at random"
    )
    return text[0].upper() + text[1:]
