"""What an importance score is, and the registry that finds them.

A score may read activations: `Score.observe` turns a batch of them into sums over its
samples, and `Score.layer_importance` turns the means over all samples into a number for each
channel of one layer. Where several layers make the units of a group, the mean over them
counts. The least important units go first.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn

from pruning.core.registry import Registry


@dataclass(frozen=True, eq=False)
class Layer:
    """A layer that makes units, in the network as it stands.

    Attributes
    ----------
    name
        Dotted name in the network.
    module
        Linear or convolution with n output channels; its weight is (n, ...).
    norm
        The batch norm that alone reads its output, if there is one.
    units
        (n,) int64: which of the group's surviving units each channel is; -1 for channels
        that are never pruned.
    means
        (n,) or (n, k) float64: mean over the training samples of what `Score.observe`
        returned; None if the score reads no activations.
    """

    name: str
    module: nn.Module
    norm: nn.Module | None
    units: Tensor
    means: Tensor | None = None

    @property
    def weights(self) -> Tensor:
        """(n, fan-in) float64, one row per channel."""
        return self.module.get_parameter("weight").detach().flatten(1).double()

    @property
    def observed(self) -> Tensor:
        """The means; a ValueError if the score observed nothing here."""
        if self.means is None:
            raise ValueError(f"nothing was observed at layer {self.name!r}")
        return self.means


@dataclass(frozen=True, eq=False)
class UnitView:
    """What a score may look at for one group.

    Attributes
    ----------
    size
        Number of surviving units.
    layers
        The layers that make the units.
    generator
        The member's own, for scores that draw.
    """

    size: int
    layers: tuple[Layer, ...]
    generator: torch.Generator


class Score:
    """An importance score. Subclass it, override what it needs, register the instance.

    A score that overrides `observe` reads activations, one that overrides
    `observe_gradient` also the gradient of the loss; their means are `Layer.observed`.

    Attributes
    ----------
    needs_sweep, needs_gradient
        Whether it reads activations; whether it reads gradients.
    """

    needs_sweep: ClassVar[bool] = False
    needs_gradient: ClassVar[bool] = False

    def __init_subclass__(cls) -> None:
        cls.needs_gradient = cls.observe_gradient is not Score.observe_gradient
        cls.needs_sweep = cls.needs_gradient or cls.observe is not Score.observe

    def observe(self, activation: Tensor) -> Tensor:
        """Return sums over the batch: (n,) or (n, k) float64.

        Parameters
        ----------
        activation
            (B, n) or (B, n, ...positions), the value after norm and activation.
        """
        raise TypeError(f"{type(self).__name__} observes nothing")

    def observe_gradient(self, activation: Tensor, gradient: Tensor) -> Tensor:
        """Return sums over the batch, given also the gradient of each sample's loss."""
        raise TypeError(f"{type(self).__name__} observes no gradient")

    def layer_importance(self, layer: Layer) -> Tensor:
        """Return (n,) finite values, one for each channel of a layer."""
        raise TypeError(f"{type(self).__name__} does not say how important a unit is")

    def importance(self, units: UnitView) -> Tensor:
        """Return (size,) finite values; the units with the lowest are dropped first."""
        return over_units(units.size, [(m, self.layer_importance(m)) for m in units.layers])

    def check(self, layers: Sequence[Layer]) -> None:
        """Raise `RequestError` if the layers of a group lack what the score looks at."""

    def as_published(self) -> Score:
        """Return the score as the published code computes it, where that differs."""
        return self


SCORES: Registry[Score] = Registry("importance score", "pruning.scores", Score, user_code=True)


def over_units(size: int, values: Sequence[tuple[Layer, Tensor]]) -> Tensor:
    """Return (size,) float64: each unit's mean over the channels of the layers that make it.

    >>> a = Layer("a", nn.Linear(1, 3), None, torch.tensor([0, 1, -1]))
    >>> b = Layer("b", nn.Linear(1, 2), None, torch.tensor([1, 0]))
    >>> over_units(2, [(a, torch.tensor([1., 2., 9.])), (b, torch.tensor([4., 5.]))])
    tensor([3., 3.], dtype=torch.float64)
    """
    total = torch.zeros(size, dtype=torch.float64)
    count = torch.zeros(size, dtype=torch.float64)
    for layer, value in values:
        sums = torch.zeros(size, dtype=torch.float64)
        channels = torch.zeros(size, dtype=torch.float64)
        made = layer.units >= 0
        sums.index_add_(0, layer.units[made], value.double().cpu()[made])
        channels.index_add_(0, layer.units[made], torch.ones(int(made.sum()), dtype=torch.float64))
        total += sums / channels.clamp(min=1)
        count += channels > 0
    return total / count


def over_positions(activation: Tensor) -> Tensor:
    """Return (B, n, positions): a node has one position, a filter all of its map's."""
    return activation.reshape(*activation.shape[:2], -1)


def mean_abs(activation: Tensor) -> Tensor:
    """Return per unit the sum over the batch of the mean |value| over positions, float64.

    DropNet's score of a node (a filter: over its positions too), Tan & Motani 2020,
    section 2.

    >>> mean_abs(torch.tensor([[[[1., -3.]]], [[[0., 2.]]]]))
    tensor([3.], dtype=torch.float64)
    """
    return over_positions(activation.abs()).mean(2).sum(0, dtype=torch.float64)
