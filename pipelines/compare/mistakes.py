"""What the selected team gets wrong, and where it and its members differ."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipelines.compare.probability_scores import SampleScores
from selection.pool import PoolPredictions

PAIRS = 6
EXAMPLES = 6


@dataclass(frozen=True)
class ConfusedPair:
    """A class that was taken for another.

    Attributes
    ----------
    true, predicted
        Indices of the two classes.
    count
        How often on test.
    samples
        Test samples that show it, the most confident mistakes first.
    """

    true: int
    predicted: int
    count: int
    samples: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Confusion:
    """The confusion matrix of one contender.

    Attributes
    ----------
    counts
        (C, C) int64, rows are the true classes.
    pairs
        The most frequent confusions, most frequent first.
    """

    counts: NDArray[np.int64]
    pairs: tuple[ConfusedPair, ...]


def confusion(scores: SampleScores, labels: NDArray[np.int64], classes: int) -> Confusion:
    """Return the confusion matrix of a single draw's predictions."""
    if scores.predicted is None or scores.confidence is None:
        raise ValueError("a mean over draws has no confusion matrix")
    counts = np.zeros((classes, classes), np.int64)
    np.add.at(counts, (labels, scores.predicted), 1)
    wrong = counts * (1 - np.eye(classes, dtype=np.int64))
    order = np.argsort(-wrong, axis=None, kind="stable")[:PAIRS]
    pairs = []
    for true, predicted in zip(*np.unravel_index(order, wrong.shape), strict=True):
        if not wrong[true, predicted]:
            break
        shown = np.flatnonzero((labels == true) & (scores.predicted == predicted))
        shown = shown[np.argsort(-scores.confidence[shown], kind="stable")][:EXAMPLES]
        pairs.append(ConfusedPair(int(true), int(predicted), int(wrong[true, predicted]),
                                  tuple(shown.tolist())))  # fmt: skip
    return Confusion(counts, tuple(pairs))


@dataclass(frozen=True, eq=False)
class Votes:
    """What the team gets right and wrong on test, by how many of its members are right.

    Attributes
    ----------
    right, wrong
        (S + 1,) int64: samples the team gets right (wrong) while k members are right.
    rescued
        Samples the team gets right though most members are wrong, fewest right first.
    lost
        Samples the team gets wrong though most members are right, most right first.
    best_member_right
        Samples the member best on ``select`` gets right and the team wrong.
    best_member_wrong
        Samples the team gets right and that member wrong.
    """

    right: NDArray[np.int64]
    wrong: NDArray[np.int64]
    rescued: tuple[int, ...]
    lost: tuple[int, ...]
    best_member_right: int
    best_member_wrong: int


def votes(team: PoolPredictions, best: int, verdict: NDArray[np.bool_]) -> Votes:
    """Return where the team and its members differ.

    Parameters
    ----------
    team
        The members' predictions on test.
    best
        Which of them is best on ``select``.
    verdict
        (N,) whether the team is right.
    """
    members = team.predictions == team.labels
    right = members.sum(0)
    size = len(members)
    order = np.argsort(right, kind="stable")
    return Votes(
        right=np.bincount(right[verdict], minlength=size + 1),
        wrong=np.bincount(right[~verdict], minlength=size + 1),
        rescued=tuple(order[(verdict & (2 * right < size))[order]][:EXAMPLES].tolist()),
        lost=tuple(order[(~verdict & (2 * right > size))[order]][::-1][:EXAMPLES].tolist()),
        best_member_right=int((members[best] & ~verdict).sum()),
        best_member_wrong=int((~members[best] & verdict).sum()),
    )
