"""The steps of an epoch of a stack of networks, taken one by one or replayed."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from pruning.training.engines.lane import Lane

Gradients = Callable[[Tensor, Tensor, Tensor | None], Tensor]
"""Writes the gradients of (G, B) samples, (G, B) labels, (G, B, K) changes; returns (G,) losses."""
Move = Callable[["float | Tensor"], None]
"""Changes weights against their gradients, at a rate."""


@dataclass(frozen=True, eq=False)
class Steps:
    """What S steps of G networks read.

    Attributes
    ----------
    index, labels
        (S, G, B) int64: samples and their classes.
    changes
        (S, G, B, K) int64: what augmentation does to each; None: nothing.
    rates
        Of each step.
    """

    index: Tensor
    labels: Tensor
    changes: Tensor | None
    rates: Sequence[float]

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor, Tensor | None, float]]:
        """Yield what each step reads."""
        changes = itertools.repeat(None) if self.changes is None else self.changes
        return zip(self.index, self.labels, changes, self.rates, strict=False)


class ReplayedSteps:
    """A step that is recorded once and replayed for each of an epoch.

    Parameters
    ----------
    steps
        Of one epoch; other epochs have as many of the same size.
    lane
        Where.
    gradients, move
        The two halves of a step.
    """

    def __init__(self, steps: Steps, lane: Lane, gradients: Gradients, move: Move) -> None:
        self._gradients, self._move = gradients, move
        self._index, self._labels = steps.index.clone(), steps.labels.clone()
        self._changes = None if steps.changes is None else steps.changes.clone()
        self._rates = torch.tensor(list(steps.rates), device=steps.index.device)
        self._taken = steps.index.new_zeros(1)
        members = steps.index.shape[1]
        self._total = torch.zeros(members, dtype=torch.float64, device=steps.index.device)
        self._step_once = lane.recorded(self._step, self._rehearse)

    def take(self, steps: Steps) -> Tensor:
        """Take an epoch's steps; return (G,) float64 summed losses."""
        self._index.copy_(steps.index)
        self._labels.copy_(steps.labels)
        if self._changes is not None and steps.changes is not None:
            self._changes.copy_(steps.changes)
        self._rates.copy_(torch.tensor(list(steps.rates)))
        self._taken.zero_()
        self._total.zero_()
        for _ in range(len(self._index)):
            self._step_once()
        return self._total

    def _step(self) -> None:
        self._total += self._gradients(*self._next())
        self._move(self._rates.index_select(0, self._taken)[0])
        self._taken += 1

    def _rehearse(self) -> None:
        self._gradients(*self._next())

    def _next(self) -> tuple[Tensor, Tensor, Tensor | None]:
        chosen = [
            None if held is None else held.index_select(0, self._taken)[0]
            for held in (self._index, self._labels, self._changes)
        ]
        index, labels, changes = chosen
        assert index is not None
        assert labels is not None
        return index, labels, changes
