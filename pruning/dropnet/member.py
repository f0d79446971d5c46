"""A member: one round of one DropNet run, as a value."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol, TypeVar

from torch import Tensor, nn

from pruning.dropnet.masks import remaining_fraction
from pruning.training.trained import Epoch


@dataclass(frozen=True, eq=False)
class Member:
    """One round of one run: the trained, physically small network and how it came about.

    Attributes
    ----------
    run, round
        Which DropNet run; which of its rounds, 0 being the unpruned network.
    arch, seed
        Architecture name and the run's own seed.
    masks
        Group name → (units,) bool on the CPU, over the full width.
    network
        The trained network under `masks`, physically small, on the CPU, in eval mode.
    epochs
        What was seen while it trained.
    val_accuracy
        Accuracy on ``val`` of the weights kept.
    baseline_accuracy
        `val_accuracy` of the same run's round 0.
    collapsed
        Whether its accuracy on ``val`` is no better than always naming the most common class.
    removed
        Share of round 0's prunable units that are physically gone. It is less than the share
        that is masked where layers that are summed have masks of their own; None: as much.
    attempts
        How often it was trained: more than once where it had not left chance and was drawn
        anew.
    epochs_before
        Epochs that the weights it started from had seen.
    """

    run: int
    round: int
    arch: str
    seed: int
    masks: Mapping[str, Tensor]
    network: nn.Module
    epochs: tuple[Epoch, ...]
    val_accuracy: float
    baseline_accuracy: float
    collapsed: bool
    removed: float | None = None
    attempts: int = 1
    epochs_before: int = 0

    @property
    def epochs_seen(self) -> int:
        """Epochs of training that its weights have behind them, in this round and before."""
        return self.epochs_before + len(self.epochs)

    @property
    def units(self) -> int:
        """Number of prunable units that survive."""
        return sum(int(mask.sum()) for mask in self.masks.values())

    @property
    def remaining(self) -> float:
        """Surviving prunable units as a share of round 0's, in (0, 1]."""
        return remaining_fraction(self.masks)

    def held(self, kappa: float) -> bool:
        """Whether accuracy stayed above κ × round 0's (round 0 always holds)."""
        return held(self.round, self.val_accuracy, self.baseline_accuracy, kappa)


def held(round_index: int, val_accuracy: float, baseline_accuracy: float, kappa: float) -> bool:
    """Whether a round's accuracy stayed above κ × round 0's; round 0 always holds.

    >>> held(0, 0.5, 0.5, kappa=1.0), held(1, 0.89, 1.0, kappa=0.9), held(1, 0.91, 1.0, kappa=0.9)
    (True, False, True)
    """
    return round_index == 0 or val_accuracy > kappa * baseline_accuracy


class Round(Protocol):
    """What `handed_on` asks of a round: a `Member`, or a record of one."""

    @property
    def round(self) -> int:
        """Its number in the run."""

    def held(self, kappa: float) -> bool:
        """Whether it stayed above κ × round 0's accuracy."""


AnyRound = TypeVar("AnyRound", bound=Round)


def handed_on(rounds: Iterable[AnyRound], kappa: float) -> AnyRound:
    """Return the smallest network of one run that still held.

    Parameters
    ----------
    rounds
        Of one run, round 0 among them.
    kappa
        The share of round 0's validation accuracy to hold: `DropNet.least_held` of the run's
        settings, which is 0 where a target alone stopped it.
    """
    return max((one for one in rounds if one.held(kappa)), key=lambda one: one.round)
