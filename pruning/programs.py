"""How a population is held in memory while it trains.

A program runs G members as one. `Solo` is any single network. `Stacked` holds G plain
multilayer perceptrons as batched matrices: one batched product in place of G small ones.
Members of different widths are padded with zeros, which stay zero: a padded unit's
activation is 0, so no gradient reaches its weights.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Protocol

import torch
from torch import Tensor, nn

_STACKABLE = (nn.Flatten, nn.Linear, nn.ReLU)


class Program(Protocol):
    """G networks that train together."""

    def parameters(self) -> list[Tensor]:
        """Return the trained tensors; their first axis is the member's, if `stacked`."""

    def __call__(self, inputs: Tensor) -> Tensor:
        """Map (G, B, *input_shape) float32 to logits (G, B, C)."""

    def train(self, mode: bool) -> None:
        """Set training or eval mode."""

    def weights(self, row: int) -> dict[str, Tensor]:
        """Return a copy of one member's state dict, in its own physical sizes."""

    def keep(self, rows: list[int]) -> None:
        """Go on with these members only; the others stop costing."""


def make_program(networks: Sequence[nn.Module]) -> Program:
    """Return the program that runs these networks; several must be stackable."""
    if len(networks) == 1:
        return Solo(networks[0])
    if not all(stackable(network) for network in networks):
        raise ValueError(f"{len(networks)} networks that are not plain MLPs cannot be stacked")
    return Stacked(networks)


def stackable(network: nn.Module) -> bool:
    """Whether the network is a plain MLP: Flatten, Linear and ReLU in sequence.

    >>> stackable(nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 2)))
    True
    """
    if not isinstance(network, nn.Sequential):
        return False
    layers = list(network)
    if not layers or not isinstance(layers[-1], nn.Linear) or isinstance(layers[0], nn.ReLU):
        return False
    relu_after_linear = all(
        isinstance(before, nn.Linear)
        for before, after in pairwise(layers)
        if isinstance(after, nn.ReLU)
    )
    return relu_after_linear and all(isinstance(layer, _STACKABLE) for layer in layers)


class Solo:
    """One network of any kind."""

    def __init__(self, network: nn.Module) -> None:
        self.network = network
        if any(p.ndim == 4 for p in network.parameters()):
            network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def parameters(self) -> list[Tensor]:
        """Return the network's parameters."""
        return list(self.network.parameters())

    def __call__(self, inputs: Tensor) -> Tensor:
        """Run the one member."""
        batch = inputs[0]
        if batch.ndim == 4:
            batch = batch.contiguous(memory_format=torch.channels_last)
        logits: Tensor = self.network(batch)
        return logits.unsqueeze(0)

    def train(self, mode: bool) -> None:
        """Set the network's mode."""
        self.network.train(mode)

    def weights(self, row: int) -> dict[str, Tensor]:
        """Return a copy of the state dict."""
        return {key: value.detach().clone() for key, value in self.network.state_dict().items()}

    def keep(self, rows: list[int]) -> None:
        """Nothing to drop: a program of one ends when its member does."""


class Stacked:
    """G plain MLPs as batched matrices, float32."""

    def __init__(self, networks: Sequence[nn.Module]) -> None:
        layers = [
            {n: m for n, m in network.named_modules() if isinstance(m, nn.Linear)}
            for network in networks
        ]
        self.names = list(layers[0])
        kinds = [type(module) for module in networks[0].children()]
        if any([type(module) for module in n.children()] != kinds for n in networks):
            raise ValueError("only networks with the same layers can be stacked")
        order = [m for m in networks[0].children() if isinstance(m, nn.Linear | nn.ReLU)]
        self._relu_after = [
            isinstance(after, nn.ReLU)
            for module, after in zip(order, [*order[1:], None], strict=True)
            if isinstance(module, nn.Linear)
        ]
        self.sizes = [[tuple(layer[n].weight.shape) for n in self.names] for layer in layers]
        self._weights = [_padded([layer[n].weight for layer in layers]) for n in self.names]
        self._biases = [
            _padded([_bias(layer[n]).unsqueeze(0) for layer in layers]) for n in self.names
        ]

    def parameters(self) -> list[Tensor]:
        """Return (G, out, in) weights and (G, 1, out) biases."""
        return [*self._weights, *self._biases]

    def __call__(self, inputs: Tensor) -> Tensor:
        """Run all members: one batched product a layer."""
        x = inputs.flatten(2)
        for weight, bias, relu in zip(self._weights, self._biases, self._relu_after, strict=True):
            x = torch.baddbmm(bias, x, weight.transpose(1, 2))
            x = x.relu_() if relu else x
        return x

    def train(self, mode: bool) -> None:
        """Plain MLPs behave alike in both modes."""

    def weights(self, row: int) -> dict[str, Tensor]:
        """Return one member's state dict without the padding."""
        state = {}
        for i, name in enumerate(self.names):
            out, fan_in = self.sizes[row][i]
            state[f"{name}.weight"] = self._weights[i][row, :out, :fan_in].detach().clone()
            state[f"{name}.bias"] = self._biases[i][row, 0, :out].detach().clone()
        return state

    def keep(self, rows: list[int]) -> None:
        """Cut the batched matrices down to these members."""
        self.sizes = [self.sizes[row] for row in rows]
        self._weights = [_rows(weight, rows) for weight in self._weights]
        self._biases = [_rows(bias, rows) for bias in self._biases]


def _rows(tensor: Tensor, rows: list[int]) -> Tensor:
    return tensor.detach()[rows].clone().requires_grad_()


def _padded(tensors: list[Tensor]) -> Tensor:
    height, width = (max(t.shape[axis] for t in tensors) for axis in (0, 1))
    stack = tensors[0].new_zeros(len(tensors), height, width)
    for row, tensor in zip(stack, tensors, strict=True):
        row[: tensor.shape[0], : tensor.shape[1]] = tensor.detach()
    return stack.requires_grad_()


def _bias(layer: nn.Linear) -> Tensor:
    if layer.bias is None:
        raise ValueError("a linear layer without bias cannot be stacked")
    return layer.bias
