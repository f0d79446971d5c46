"""A cascade: the cheapest member first, the next only where the vote is not sure enough.

NumPy only. After k members a sample stops when the most probable class of their vote has
at least the threshold; the samples that never stop get the whole team's vote.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pruning.core.array_values import ArrayValue
from pruning.core.errors import RequestError
from selection.voting import vote

NEVER = 2.0
"""A threshold no probability reaches."""

Run = Callable[[int, NDArray[np.int64]], NDArray[np.float32]]
"""Member's index and rows (n,) → (n, C) probabilities of these samples."""


@dataclass(frozen=True)
class Cascade:
    """The order of the members, and when to stop.

    Attributes
    ----------
    order
        Every member's index once, cheapest first.
    threshold
        Probability of the first class at which a sample stops; `NEVER` runs all members.
    """

    order: tuple[int, ...]
    threshold: float

    def __post_init__(self) -> None:
        if sorted(self.order) != list(range(len(self.order))) or not self.order:
            raise RequestError(f"cascade order {self.order} must name each member once")
        if not 0 < self.threshold <= NEVER:
            raise RequestError(f"cascade threshold {self.threshold} must lie in 0..{NEVER:g}")


@dataclass(frozen=True, eq=False)
class CascadeRun(ArrayValue):
    """What a cascade answered.

    Attributes
    ----------
    probabilities
        (N, C) of the vote at which each sample stopped.
    used
        (N,) int64: how many members it took, 1..S.
    """

    probabilities: NDArray[Any]
    used: NDArray[np.int64]

    def mean_cost(self, cascade: Cascade, costs: Sequence[float]) -> float:
        """Return the mean cost of a sample, from each member's cost in the team's order."""
        spent = np.cumsum([costs[i] for i in cascade.order])
        return float(spent[self.used - 1].mean())


def run_cascade(
    cascade: Cascade, samples: int, run: Run, weights: Sequence[float], voting: str
) -> CascadeRun:
    """Run members in order on the samples that have not stopped.

    Parameters
    ----------
    cascade
        Order and threshold.
    samples
        N.
    run
        Gives one member's probabilities of some of the samples; asked for no more than
        are needed.
    weights
        One per member, in the team's order; scaled to sum 1 over those that ran.
    voting
        Name of the vote.
    """
    active = np.arange(samples)
    used = np.zeros(samples, np.int64)
    answers: NDArray[Any] | None = None
    seen: list[NDArray[np.float32]] = []
    for count, member in enumerate(cascade.order, start=1):
        seen.append(run(member, active))
        partial = _vote(np.stack(seen), cascade.order[:count], weights, voting)
        if answers is None:
            answers = np.zeros((samples, partial.shape[-1]), partial.dtype)
        answers[active], used[active] = partial, count
        going = partial.max(-1) < cascade.threshold
        active, seen = active[going], [part[going] for part in seen]
        if not len(active):
            break
    if answers is None:
        raise RequestError("a cascade needs at least one member")
    return CascadeRun(answers, used)


def fit_cascade(
    members: NDArray[Any], labels: NDArray[np.int64], costs: Sequence[float],
    weights: Sequence[float], voting: str, *, allowed_loss: float = 0.0,
) -> Cascade:  # fmt: skip
    """Return the cheapest cascade that keeps the team's accuracy on these samples.

    The threshold is the lowest above which *every* candidate keeps the accuracy: a single
    lucky value below a failing one is passed over.

    Parameters
    ----------
    members
        (S, N, C) probabilities on the selection split.
    labels
        (N,) int64.
    costs
        One per member, such as FLOPs.
    weights, voting
        The team's vote.
    allowed_loss
        Accuracy that may be lost, in 0..1.
    """
    order = tuple(int(i) for i in np.argsort(np.asarray(costs), kind="stable"))
    partial = [
        _vote(members[list(order[:k])], order[:k], weights, voting)
        for k in range(1, len(order) + 1)
    ]
    right = np.stack([p.argmax(-1) == labels for p in partial])
    sure = np.stack([p.max(-1) for p in partial])
    wanted = right[-1].mean() - allowed_loss
    chosen = NEVER
    for threshold in _candidates(sure[:-1]):
        stops = np.vstack([sure[:-1] >= threshold, np.ones(sure.shape[1], bool)])
        accuracy = np.take_along_axis(right, stops.argmax(0)[None], 0).mean()
        if accuracy < wanted - 1e-12:
            break
        chosen = float(threshold)
    return Cascade(order, chosen)


def _candidates(sure: NDArray[Any], most: int = 400) -> NDArray[np.float64]:
    """Return thresholds to try, highest first, spread over the values that occur."""
    if not sure.size:
        return np.empty(0)
    return np.unique(np.quantile(sure, np.linspace(0, 1, most)))[::-1]


def _vote(
    seen: NDArray[Any], order: Sequence[int], weights: Sequence[float], voting: str
) -> NDArray[Any]:
    """Vote of the members that ran; where their weights are all zero they count alike."""
    shares = np.array([weights[i] for i in order])
    return vote(seen, shares if shares.sum() > 0 else None, voting)
