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
    """Return a line on the runs whose network answers no better than one class for everything."""
    pairs = zip(built.histories, built.handed_on, strict=True)
    collapsed = [history.run for history, handed_on in pairs if handed_on.collapsed]
    return (f"never left chance: run {listed(collapsed)}",) if collapsed else ()


def listed(runs: list[int]) -> str:
    """Return the numbers of runs as text.

    >>> listed([0, 3])
    '0, 3'
    """
    return ", ".join(map(str, runs))
