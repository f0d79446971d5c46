"""Where the layers of several plain MLPs lie in one flat vector, and what they compute."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import prod

import torch
from torch import Tensor, nn

_MOST_ELEMENTS = 2**19  # of input, or of activations, that a pass holds at once


@dataclass(frozen=True)
class Layers:
    """The linear layers of a population and where each lies in the flat vector.

    Attributes
    ----------
    names
        Module names.
    relu_after
        Whether a ReLU follows.
    sizes
        For each member: (out, in) of each layer.
    """

    names: tuple[str, ...]
    relu_after: tuple[bool, ...]
    sizes: tuple[tuple[tuple[int, int], ...], ...]

    @classmethod
    def of(cls, networks: Sequence[nn.Module]) -> Layers:
        """Return the layers of plain MLPs; a ValueError if they differ in more than widths."""
        kinds = [type(module) for module in networks[0].children()]
        if any([type(module) for module in n.children()] != kinds for n in networks):
            raise ValueError("only networks with the same layers can be stacked")
        order = [m for m in networks[0].children() if isinstance(m, nn.Linear | nn.ReLU)]
        relu_after = tuple(
            isinstance(after, nn.ReLU)
            for module, after in zip(order, [*order[1:], None], strict=True)
            if isinstance(module, nn.Linear)
        )
        sizes = tuple(
            tuple((layer.out_features, layer.in_features) for layer in _linear(network).values())
            for network in networks
        )
        return cls(tuple(_linear(networks[0])), relu_after, sizes)

    @property
    def padded(self) -> tuple[tuple[int, int], ...]:
        """(out, in) of each layer, wide enough for every member."""
        return tuple(
            (max(out for out, _ in layer), max(fan_in for _, fan_in in layer))
            for layer in zip(*self.sizes, strict=True)
        )

    @property
    def samples_at_once(self) -> int:
        """Samples that a pass without gradients takes at a time, so that they stay in cache."""
        (out, fan_in), members = self.padded[0], len(self.sizes)
        return max(1, _MOST_ELEMENTS // max(fan_in, members * out))

    def activations(self, flat: Tensor, samples: Tensor) -> Iterator[Tensor]:
        """Yield each layer's (G, out, B) output, after its ReLU if it has one.

        All members read the same (B, F) float32 samples: they share the first product.
        """
        weights, biases = self.views(flat)
        x = torch.addmm(biases[0].view(-1, 1), weights[0].flatten(0, 1), samples.t())
        x = x.view(len(self.sizes), -1, len(samples))
        for i, relu in enumerate(self.relu_after):
            if i:
                x = torch.baddbmm(biases[i], weights[i], x)
            x = x.relu_() if relu else x
            yield x

    def views(self, flat: Tensor) -> tuple[list[Tensor], list[Tensor]]:
        """Return the (G, out, in) weights and the (G, out, 1) biases in a flat vector."""
        members = len(self.sizes)
        shapes = [(members, *size) for size in self.padded]
        shapes += [(members, out, 1) for out, _ in self.padded]
        parts = torch.split(flat, [prod(shape) for shape in shapes])
        made = [part.view(shape) for part, shape in zip(parts, shapes, strict=True)]
        return made[: len(self.names)], made[len(self.names) :]

    def gathered(self, networks: Sequence[nn.Module], device: torch.device) -> Tensor:
        """Return the networks' weights as one flat vector."""
        members = len(networks)
        flat = torch.zeros(
            sum(members * out * (fan_in + 1) for out, fan_in in self.padded), device=device
        )
        weights, biases = self.views(flat)
        for row, network in enumerate(networks):
            for i, layer in enumerate(_linear(network).values()):
                if layer.bias is None:
                    raise ValueError("a linear layer without bias cannot be stacked")
                out, fan_in = layer.weight.shape
                weights[i][row, :out, :fan_in] = layer.weight.detach()
                biases[i][row, :out, 0] = layer.bias.detach()
        return flat

    def state(self, flat: Tensor, row: int) -> dict[str, Tensor]:
        """Return one member's part of a flat vector, copied, in its own sizes."""
        found = {}
        weights, biases = self.views(flat)
        for i, (name, (out, fan_in)) in enumerate(zip(self.names, self.sizes[row], strict=True)):
            found[f"{name}.weight"] = weights[i][row, :out, :fan_in].clone()
            found[f"{name}.bias"] = biases[i][row, :out, 0].clone()
        return found

    def only(self, rows: list[int]) -> Layers:
        """Return the layers of these members."""
        return Layers(self.names, self.relu_after, tuple(self.sizes[row] for row in rows))

    def cut(self, flat: Tensor, rows: list[int]) -> Tensor:
        """Return a flat vector of these members, in the widths that they need."""
        after = self.only(rows)
        weights, biases = self.views(flat)
        parts = []
        for weight, (out, fan_in) in zip(weights, after.padded, strict=True):
            parts.append(weight[rows, :out, :fan_in])
        for bias, (out, _) in zip(biases, after.padded, strict=True):
            parts.append(bias[rows, :out])
        return torch.cat([part.flatten() for part in parts])


def _linear(network: nn.Module) -> dict[str, nn.Linear]:
    return {name: m for name, m in network.named_modules() if isinstance(m, nn.Linear)}
