"""What an importance score is, and the registry that finds them.

A score may watch activations: `Score.observe` turns a batch of them into sums over its
samples, all scores of a round share one sweep of the training data, and
`Score.importance` turns the means into a number per unit. The least important go first.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from pruning.registry import Registry


@dataclass(frozen=True)
class UnitView:
    """What a score may look at for one group of n units.

    Attributes
    ----------
    means
        Mean over the training samples of what `Score.observe` returned, averaged over the
        group's producers; None if the score observes nothing.
    producers
        The layers that make the units, in the network as it stands.
    generator
        The member's own, for scores that draw.
    """

    size: int
    means: Tensor | None
    producers: tuple[nn.Module, ...]
    generator: torch.Generator


class Score:
    """An importance score. Subclass it, override what it needs, register the instance."""

    def observe(self, activation: Tensor) -> Tensor | None:
        """Return sums over the batch, units first, or None to observe nothing.

        Parameters
        ----------
        activation
            (B, n) or (B, n, H, W) float32, the value after norm and activation.
        """
        return None

    def importance(self, units: UnitView) -> Tensor:
        """Return (n,) finite values; the units with the lowest are dropped first."""
        raise TypeError(f"{type(self).__name__} does not say how important a unit is")


SCORES: Registry[Score] = Registry("importance score", "pruning.scores")


def mean_abs(activation: Tensor) -> Tensor:
    """Return per unit the sum over the batch of the mean |value| over positions, float64.

    DropNet's score of a node (a filter: over its positions too), Tan & Motani 2020,
    section 2.

    >>> mean_abs(torch.tensor([[[[1., -3.]]], [[[0., 2.]]]]))
    tensor([3.], dtype=torch.float64)
    """
    positions = activation.abs().reshape(*activation.shape[:2], -1)
    return positions.mean(2).sum(0, dtype=torch.float64)
