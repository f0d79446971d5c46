"""What who builds in Python should know, too, of data and training: a line each.

The command line tells more besides, on its way; these are what makes a team worse than it looks.
"""

from __future__ import annotations

from pipelines.build.built import Built
from pipelines.build.data import uneven_classes
from pruning.data.splits import Splits
from pruning.training.recipe import ClassWeights


def of_data(splits: Splits, weights: ClassWeights) -> tuple[str, ...]:
    """Return lines on features that networks cannot read, and on classes that they may miss."""
    return (*splits.notes, *uneven_classes(splits, weights))


def of_training(built: Built) -> tuple[str, ...]:
    """Return lines on networks that answer one class for everything, and on pruning in vain."""
    pairs = zip(built.histories, built.handed_on, strict=True)
    collapsed = [history.run for history, handed_on in pairs if handed_on.collapsed]
    lines = [f"never left chance: run {listed(collapsed)}"] if collapsed else []
    if in_vain := pruned_in_vain(built):
        lines.append(in_vain)
    return tuple(lines)


def pruned_in_vain(built: Built) -> str:
    """Return a line where every pruned network was given up, so that the unpruned are handed on."""
    pairs = zip(built.histories, built.handed_on, strict=True)
    if any(len(history.rounds) == 1 or handed_on.round for history, handed_on in pairs):
        return ""
    kappa = built.store.resolved.kappa
    way_out = "ask for a lower `kappa`, a smaller `fraction` or more `epochs`"
    if built.config.pruner == "datafree":
        way_out = "ask for a lower `kappa`, or merge fewer"
    return (
        f"nothing is pruned: every network's first round fell to κ {kappa:g} times the accuracy of "
        f"the unpruned one, or below, and was given up; {way_out}"
    )


def listed(runs: list[int]) -> str:
    """Return the numbers of runs as text.

    >>> listed([0, 3])
    '0, 3'
    """
    return ", ".join(map(str, runs))
