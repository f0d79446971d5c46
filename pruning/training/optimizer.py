"""Adam, AdamW and SGD, each one fused pass over each tensor.

The arithmetic is that of `torch.optim`, whose classes import a compiler (one second per
process) and spend some 80 µs of bookkeeping per step, as long as a small network computes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from pruning.networks.weights import last_layer
from pruning.training.recipe import Recipe

_BETAS = (0.9, 0.999)
_EPSILON = 1e-8
_SHARED_FROM, _PIECES = 2**15, 30


class Optimizer(Protocol):
    """Changes parameters against their gradients; one without a gradient stays as it is."""

    def step(self, rate: Any) -> None:
        """Take one step from each parameter's ``grad``.

        The rate is a number, or a float32 tensor without axes on the parameters' device, which
        a captured step reads anew at each replay; of `TwoRates` a pair, or a tensor of two.
        """

    def state(self) -> list[Tensor]:
        """Return what it remembers from step to step: its own tensors, no copies."""


def optimizer_of(network: nn.Module, recipe: Recipe) -> Optimizer:
    """Return the optimizer of a network's parameters that a resolved recipe asks for."""
    parameters, decayed = list(network.parameters()), decayed_parameters(network)
    if not recipe.has_two_rates:
        return make_optimizer(recipe, parameters, decayed)
    own = {id(parameter) for parameter in last_layer(network).parameters()}

    def over(last: bool) -> Optimizer:
        chosen = [[p for p in some if (id(p) in own) is last] for some in (parameters, decayed)]
        return make_optimizer(recipe, *chosen)

    return TwoRates(head=over(last=True), backbone=over(last=False))


def make_optimizer(
    recipe: Recipe, parameters: Sequence[Tensor], decayed: Sequence[Tensor]
) -> Adam | SGD:
    """Return the optimizer that a resolved recipe names, over these tensors, at one rate for all.

    `decayed` are those, or views of them, that AdamW's decay shrinks.
    """
    decay = recipe.weight_decay or 0.0
    if recipe.optimizer == "adamw":
        return AdamW(parameters, decay, decayed)
    if recipe.optimizer == "adam":
        return Adam(parameters, decay)
    return SGD(parameters, recipe.momentum or 0.0, decay)


def decayed_parameters(network: nn.Module) -> list[Tensor]:
    """Return what decay may shrink: matrices and kernels, never biases or a norm's scales."""
    return [p for p in network.parameters() if p.ndim > 1 and p.requires_grad]


class TwoRates:
    """Two optimizers: that of the last layer, and that of all before it."""

    def __init__(self, head: Optimizer, backbone: Optimizer) -> None:
        self._head, self._backbone = head, backbone

    def step(self, rate: tuple[float, float] | Tensor) -> None:
        """Take one step, at the last layer's rate and at the others'."""
        head, backbone = rate
        self._head.step(head)
        self._backbone.step(backbone)

    def state(self) -> list[Tensor]:
        """Return what both remember."""
        return [*self._head.state(), *self._backbone.state()]


class Adam:
    """Kingma & Ba 2015, with L2 decay added to the gradient.

    Parameters
    ----------
    parameters
        float32 tensors, changed in place.
    weight_decay
        0 or more.
    """

    def __init__(self, parameters: Sequence[Tensor], weight_decay: float) -> None:
        self._parameters, self._decay = list(parameters), weight_decay
        self._means = [torch.zeros_like(p) for p in self._parameters]
        self._squares = [torch.zeros_like(p) for p in self._parameters]
        self._steps = [torch.zeros((), device=p.device) for p in self._parameters]

    @torch.no_grad()
    def step(self, rate: float | Tensor) -> None:
        """Take one step."""
        reached = [i for i, p in enumerate(self._parameters) if p.grad is not None]
        torch._foreach_add_([self._steps[i] for i in reached], 1)
        changed: list[Tensor] = []
        gradients: list[Tensor] = []
        means: list[Tensor] = []
        squares: list[Tensor] = []
        steps: list[Tensor] = []
        for i in reached:
            parameter = self._parameters[i]
            changed += _pieces(parameter)
            gradients += _pieces(parameter.grad)  # type: ignore[arg-type]  # it was reached
            means += _pieces(self._means[i])
            squares += _pieces(self._squares[i])
            steps += [self._steps[i]] * (len(changed) - len(steps))
        torch._fused_adam_(
            changed, gradients, means, squares, [], steps,
            lr=rate,
            beta1=_BETAS[0], beta2=_BETAS[1], weight_decay=self._decay,
            eps=_EPSILON, amsgrad=False, maximize=False,
        )  # fmt: skip

    def state(self) -> list[Tensor]:
        """Return the means, the squares and the counts of steps."""
        return [*self._means, *self._squares, *self._steps]

    def cut_to(
        self,
        parameters: Sequence[Tensor],
        decayed: Sequence[Tensor],
        cut: Callable[[Tensor], Tensor],
    ) -> Adam:
        """Return the optimizer of the cut parameters."""
        after = self._over(parameters, decayed)
        after._means = [cut(mean) for mean in self._means]
        after._squares = [cut(square) for square in self._squares]
        after._steps = self._steps
        return after

    def _over(self, parameters: Sequence[Tensor], decayed: Sequence[Tensor]) -> Adam:
        return Adam(parameters, self._decay)


def _pieces(tensor: Tensor) -> Sequence[Tensor]:
    """Return a long vector on a card in views: its units share one kernel's tensors among them."""
    if not tensor.is_cuda or tensor.ndim != 1 or len(tensor) < _SHARED_FROM:
        return (tensor,)
    return torch.split(tensor, -(-len(tensor) // _PIECES))


class AdamW(Adam):
    """Adam with decay beside the gradient, not in it (Loshchilov & Hutter 2019).

    Parameters
    ----------
    parameters
        float32 tensors, changed in place.
    weight_decay
        0 or more; a step shrinks by this, times its rate.
    decayed
        What decay shrinks: some of the parameters, or views of them.
    """

    def __init__(
        self, parameters: Sequence[Tensor], weight_decay: float, decayed: Sequence[Tensor]
    ) -> None:
        super().__init__(parameters, 0.0)
        self._shrinking, self._decayed = weight_decay, list(decayed)

    @torch.no_grad()
    def step(self, rate: float | Tensor) -> None:
        """Take one step."""
        reached = [p for p in self._decayed if p.grad is not None or not p.requires_grad]
        if self._shrinking and reached:
            torch._foreach_mul_(reached, 1 - rate * self._shrinking)
        super().step(rate)

    def _over(self, parameters: Sequence[Tensor], decayed: Sequence[Tensor]) -> AdamW:
        return AdamW(parameters, self._shrinking, decayed)


class SGD:
    """Stochastic gradient descent, with heavy-ball momentum and L2 decay.

    Parameters
    ----------
    parameters
        float32 tensors, changed in place.
    momentum, weight_decay
        0 or more.
    """

    def __init__(self, parameters: Sequence[Tensor], momentum: float, weight_decay: float) -> None:
        self._parameters = list(parameters)
        self._momentum, self._decay = momentum, weight_decay
        self._velocities = [torch.zeros_like(p) for p in self._parameters] if momentum else []

    @torch.no_grad()
    def step(self, rate: float | Tensor) -> None:
        """Take one step."""
        for i, parameter in enumerate(self._parameters):
            gradient = parameter.grad
            if gradient is None:
                continue
            if self._decay:
                gradient = gradient.add(parameter, alpha=self._decay)
            if self._momentum:
                gradient = self._velocities[i].mul_(self._momentum).add_(gradient)
            if isinstance(rate, Tensor):
                parameter.addcmul_(gradient, rate, value=-1)
            else:
                parameter.add_(gradient, alpha=-rate)

    def state(self) -> list[Tensor]:
        """Return the velocities; none without momentum."""
        return list(self._velocities)

    def cut_to(
        self,
        parameters: Sequence[Tensor],
        decayed: Sequence[Tensor],
        cut: Callable[[Tensor], Tensor],
    ) -> SGD:
        """Return the optimizer of the cut parameters."""
        after = SGD(parameters, self._momentum, self._decay)
        after._velocities = [cut(velocity) for velocity in self._velocities]
        return after
