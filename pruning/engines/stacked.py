"""Plain multilayer perceptrons as batched matrices: one product in place of G small ones.

All weights of all members are one flat float32 vector, all gradients another: each layer's
matrices are views, and the optimiser's step is one pass over them. Forward and backward are
written out, because at a few tens of units what a general autograd adds costs as much as
the arithmetic. Activations are held units × samples: then no product has a short, oddly
sized inner axis, whatever widths pruning leaves.

Members of different widths are padded with zeros, which stay zero: a padded unit's
activation is 0, so no gradient reaches its weights.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from pruning.device_data import DeviceData, Gatherer
from pruning.engines.engine import Seen
from pruning.recipe import Recipe

_ELEMENTS = 2**19  # of activations that evaluation holds at once


class Stacked:
    """G plain MLPs of the same layers; widths may differ.

    Parameters
    ----------
    networks
        `pruning.engines.stackable.stackable`, on the data's device; left unchanged.
    data
        What they train on.
    recipe
        Resolved.
    """

    def __init__(self, networks: Sequence[nn.Module], data: DeviceData, recipe: Recipe) -> None:
        self._data, self._recipe = data, recipe
        layers = _Layers.of(networks)
        self._hold(layers, layers.gathered(networks, data.train_images.device))
        self._optimiser = recipe.make_optimiser([self._values])

    def _hold(self, layers: _Layers, values: Tensor) -> None:
        self._layers, self._values = layers, values
        self._slopes = values.grad = torch.zeros_like(values)
        self._weights, self._biases = layers.views(values)
        self._weight_slopes, self._bias_slopes = layers.views(self._slopes)
        self._buffers: dict[int, _Buffers] = {}

    @torch.no_grad()
    def epoch(self, orders: Tensor, rate: float) -> list[float]:
        """Train one epoch; return each member's mean loss."""
        members, samples = orders.shape
        size = min(self._recipe.batch_size or samples, samples)
        whole = samples - samples % size
        total = torch.zeros(members, dtype=torch.float64, device=orders.device)
        for part in (orders[:, :whole], orders[:, whole:]):
            if part.shape[1] == 0:
                continue
            batches = part.reshape(members, -1, min(size, part.shape[1])).transpose(0, 1)
            labels = self._data.train_labels[batches]
            for index, named in zip(batches.contiguous().unbind(), labels.unbind(), strict=True):
                total += self.slopes(batches.shape[2], index, named)
                self._optimiser.step(rate)
        return (total / samples).tolist()

    def slopes(self, batch: int, index: Tensor, labels: Tensor) -> Tensor:
        """Write the gradient of the batch's mean loss; return (G,) float32 summed losses.

        Parameters
        ----------
        batch
            B.
        index, labels
            (G, B) int64: the samples each member sees and their classes.
        """
        buffers = self._buffers_for(batch)
        weights, relu_after = self._weights, self._layers.relu_after
        samples = buffers.gather(index.flatten()).view(*index.shape, -1)
        x = samples.transpose(1, 2)
        for i, made in enumerate(buffers.made):
            torch.baddbmm(self._biases[i], weights[i], x, out=made)
            x = made.relu_() if relu_after[i] else made
        log_odds = torch.log_softmax(x, 1)
        picked = labels.unsqueeze(1)
        losses = log_odds.gather(1, picked).sum((1, 2)).neg_()
        slope = log_odds.exp_()
        slope.scatter_add_(1, picked, buffers.minus_one).div_(index.shape[1])
        for i in reversed(range(len(weights))):
            below = buffers.made[i - 1].transpose(1, 2) if i else samples
            torch.bmm(slope, below, out=self._weight_slopes[i])
            torch.sum(slope, 2, keepdim=True, out=self._bias_slopes[i])
            if i:
                slope = torch.bmm(weights[i].transpose(1, 2), slope, out=buffers.slope[i - 1])
                if relu_after[i - 1]:
                    made = buffers.made[i - 1]
                    torch.ops.aten.threshold_backward.grad_input(slope, made, 0, grad_input=slope)
        return losses

    @torch.inference_mode()
    def evaluate(self) -> Seen:
        """Return what the validation part shows; all members share the first product."""
        data, first = self._data, self._weights[0]
        members, n = len(first), len(data.val_labels)
        losses = first.new_zeros(members, dtype=torch.float64)
        hits = torch.zeros_like(losses)
        step = max(1, _ELEMENTS // max(first.shape[2], members * first.shape[1]))
        for start in range(0, n, step):
            part = slice(start, start + step)
            samples = data.scaling(data.val_images[part]).flatten(1)
            x = torch.addmm(self._biases[0].view(-1, 1), first.flatten(0, 1), samples.t())
            x = x.view(members, -1, len(samples))
            for i, relu in enumerate(self._layers.relu_after):
                if i:
                    x = torch.baddbmm(self._biases[i], self._weights[i], x)
                x = x.relu_() if relu else x
            labels = data.val_labels[part].expand(members, -1)
            losses += F.cross_entropy(x, labels, reduction="none").sum(1)
            hits += (x.argmax(1) == labels).sum(1)
        return Seen((losses / n).tolist(), (hits / n).tolist())

    def weights(self, row: int) -> dict[str, Tensor]:
        """Return one member's state dict without the padding."""
        return self._layers.state(self._values, row)

    def gradient(self, row: int) -> dict[str, Tensor]:
        """Return one member's gradient as `slopes` left it, by parameter name."""
        return self._layers.state(self._slopes, row)

    def keep(self, rows: list[int]) -> None:
        """Cut weights and the optimiser's state down to these members."""
        before = self._layers
        self._hold(before.only(rows), before.cut(self._values, rows))
        self._optimiser = self._optimiser.moved([self._values], lambda flat: before.cut(flat, rows))

    def _buffers_for(self, batch: int) -> _Buffers:
        if batch not in self._buffers:
            self._buffers[batch] = _Buffers(self._layers, self._data, batch)
        return self._buffers[batch]


class _Buffers:
    """What a step of one batch size writes, used again by the next."""

    def __init__(self, layers: _Layers, data: DeviceData, batch: int) -> None:
        members, device = len(layers.sizes), data.train_images.device
        self.gather = Gatherer(data.train_images, data.scaling, members * batch)
        self.made = [torch.empty(members, out, batch, device=device) for out, _ in layers.padded]
        self.slope = [torch.empty_like(made) for made in self.made[:-1]]
        self.minus_one = torch.full((members, 1, batch), -1.0, device=device)


@dataclass(frozen=True)
class _Layers:
    """The linear layers of a population and where each lies in the flat vector.

    Attributes
    ----------
    names
        Module names.
    relu_after
        Whether a ReLU follows.
    sizes
        A member: (out, in) of each layer.
    """

    names: tuple[str, ...]
    relu_after: tuple[bool, ...]
    sizes: tuple[tuple[tuple[int, int], ...], ...]

    @classmethod
    def of(cls, networks: Sequence[nn.Module]) -> _Layers:
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

    def only(self, rows: list[int]) -> _Layers:
        """Return the layers of these members."""
        return _Layers(self.names, self.relu_after, tuple(self.sizes[row] for row in rows))

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
