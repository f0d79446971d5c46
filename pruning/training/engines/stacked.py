"""Plain multilayer perceptrons as batched matrices: one product in place of G small ones.

All weights of all members are one flat float32 vector, all gradients another: each layer's
matrices are views, and the optimizer's step is one pass over them. Forward and backward are
written out, because with a few tens of units the bookkeeping of a general autograd takes
as long as the arithmetic. Activations are held units × samples: then no product has a short, oddly
sized inner axis, whatever widths pruning leaves.

Members of different widths are padded with zeros, which stay zero: a padded unit's
activation is 0, so no gradient reaches its weights.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from pruning.inference.stackable import plain_mlp, stackable
from pruning.inference.stacked_layers import Layers
from pruning.training.augmenter import Augmenter
from pruning.training.class_weights import class_weights
from pruning.training.device_data import DeviceData, Gatherer
from pruning.training.engines.engine import ENGINES, Engine, Evaluation
from pruning.training.engines.lane import Lane
from pruning.training.engines.stacked_lesson import StackedLesson
from pruning.training.engines.stacked_loss import Loss, smoothed_loss, soft_loss
from pruning.training.engines.steps import ReplayedSteps, Steps
from pruning.training.lesson import Lesson
from pruning.training.optimizer import make_optimizer
from pruning.training.recipe import Rate, Recipe


@ENGINES.register("stacked")
class Stacked(Engine):
    """G plain MLPs of the same layers; widths may differ; the networks are left unchanged."""

    summary = "plain MLPs as batched matrices, float32"

    def __init__(
        self,
        networks: Sequence[nn.Module],
        data: DeviceData,
        recipe: Recipe,
        lesson: Lesson | None = None,
    ) -> None:
        self._data, self._recipe = data, recipe
        self._lesson, self._taught = lesson, self._stacked(lesson)
        self.replays = data.train_images.device.type == "cuda"
        """Whether a step is recorded once and replayed."""
        self._train_weights, self._val_weights = (
            class_weights(recipe.class_weights, labels, data.classes)
            for labels in (data.train_labels, data.val_labels)
        )
        shape = tuple(data.train_images.shape[1:])
        self._augmenter = Augmenter(recipe.augment or "none", shape)
        layers = Layers.of(networks)
        self._hold(layers, layers.gathered(networks, data.train_images.device))
        self._optimizer = make_optimizer(recipe, [self._values], self._weights)

    @classmethod
    def obstacle(cls, network: nn.Module, device: str) -> str | None:
        """Return that the network is no plain MLP, or which it cannot run, where that is so."""
        if stackable(network):
            return None
        if plain_mlp(network):
            return (
                "runs plain MLPs whose layers all have biases and are all trained, with Flatten "
                "at their front, which this network is not"
            )
        return "runs plain MLPs (Flatten, Linear and ReLU in sequence), which this network is not"

    @classmethod
    def auto_rank(cls, network: nn.Module, device: str, images: int) -> int | None:
        """Return 9: what it can run, nothing runs faster."""
        return 9

    @classmethod
    def group_size(cls, device: str) -> int:
        """Return 10 on a processor, 64 on a GPU.

        A core gains little from stacks of more than 10, and two groups of ten keep two cores
        busy at M = 20.
        """
        return 64 if device == "cuda" else 10

    def _hold(self, layers: Layers, values: Tensor) -> None:
        self._layers, self._values = layers, values
        self._gradients = values.grad = torch.zeros_like(values)
        self._weights, self._biases = layers.views(values)
        self._weight_gradients, self._bias_gradients = layers.views(self._gradients)
        self._buffers: dict[int, _Buffers] = {}
        self._recorded: dict[int, ReplayedSteps] = {}
        self._lane = Lane(values.device)

    @torch.no_grad()
    def epoch(
        self, orders: Tensor, rates: Sequence[Rate], changes: Tensor | None = None
    ) -> list[float]:
        """Train one epoch; return each member's mean loss."""
        members, samples = orders.shape
        size = min(self._recipe.batch_size or samples, samples)
        whole = samples - samples % size
        total = torch.zeros(members, dtype=torch.float64, device=orders.device)
        rate = iter(cast("Sequence[float]", rates))  # the recipe of a plain MLP has one
        for part in (slice(whole), slice(whole, None)):
            if orders[:, part].shape[1] == 0:
                continue
            batches = _batches(orders[:, part], size)
            drawn = None if changes is None else _batches(changes[:, part], size)
            steps = Steps(
                batches, self._data.train_labels[batches], drawn, [next(rate) for _ in batches]
            )
            total += self._replayed(steps) if self.replays else self._taken(steps)
        return (total / samples).tolist()

    def _taken(self, steps: Steps) -> Tensor:
        """Take steps one by one; return (G,) float64 summed losses."""
        total = torch.zeros(steps.index.shape[1], dtype=torch.float64, device=steps.index.device)
        for index, labels, drawn, rate in steps:
            total += self.write_gradients(index, labels, drawn)
            self._optimizer.step(rate)
        return total

    def _replayed(self, steps: Steps) -> Tensor:
        """Take steps by replaying a recorded one; return (G,) float64 summed losses."""
        batch = steps.index.shape[2]
        self._lane.begin()
        with self._lane.used():
            if batch not in self._recorded:
                self._recorded[batch] = ReplayedSteps(
                    steps, self._lane, self.write_gradients, self._optimizer.step
                )
            total = self._recorded[batch].take(steps)
        self._lane.end()
        return total

    def write_gradients(
        self, index: Tensor, labels: Tensor, changes: Tensor | None = None
    ) -> Tensor:
        """Write the gradient of the batch's mean loss; return (G,) float32 summed losses.

        Parameters
        ----------
        index, labels
            (G, B) int64: the samples each member sees and their classes.
        changes
            (G, B, K) int64: what augmentation does to each, and how a lesson moves it.
        """
        buffers = self._buffers_for(index.shape[1])
        weights, relu_after = self._weights, self._layers.relu_after
        drawn = None if changes is None else changes.flatten(0, 1)
        samples = buffers.gather(index.flatten(), drawn).view(*index.shape, -1)
        if self._taught:
            samples = self._taught.with_moved(samples, drawn)
        x, batch = samples.transpose(1, 2), index.shape[1]
        for i, made in enumerate(buffers.made):
            torch.baddbmm(self._biases[i], weights[i], x, out=made)
            x = made.relu_() if relu_after[i] else made
        losses, gradient = buffers.loss(x[..., :batch], self._targets(index, labels, drawn))
        if self._taught:
            answers = self._taught.answers(samples[:, -batch:])
            losses, gradient = self._taught(losses, gradient, x[..., -batch:], answers)
        relu_backward = torch.ops.aten.threshold_backward.grad_input
        for i in reversed(range(len(weights))):
            inputs = buffers.made[i - 1].transpose(1, 2) if i else samples
            torch.bmm(gradient, inputs, out=self._weight_gradients[i])
            torch.sum(gradient, 2, keepdim=True, out=self._bias_gradients[i])
            if i:
                below = buffers.gradients[i - 1]
                gradient = torch.bmm(weights[i].transpose(1, 2), gradient, out=below)
                if relu_after[i - 1]:
                    relu_backward(gradient, buffers.made[i - 1], 0, grad_input=gradient)
        return losses

    def _stacked(self, lesson: Lesson | None) -> StackedLesson | None:
        images = self._data.train_images
        if lesson is None:
            return None
        return StackedLesson(lesson, tuple(images.shape[1:]), images.device)

    def _targets(self, index: Tensor, labels: Tensor, drawn: Tensor | None) -> Tensor:
        """Return (G, B) labels, or (G, C, B) shares where samples are mixed."""
        if not self._augmenter.does.mixes:
            return labels
        data = self._data
        shares = self._augmenter.targets(data.train_labels, index.flatten(), drawn, data.classes)
        return shares.view(*index.shape, -1).transpose(1, 2)

    @torch.inference_mode()
    def evaluate(self) -> Evaluation:
        """Return loss and accuracy on the validation part; all members share the first product."""
        data, members = self._data, len(self._layers.sizes)
        n = len(data.val_labels)
        losses = self._values.new_zeros(members, dtype=torch.float64)
        hits = torch.zeros_like(losses)
        step = self._layers.samples_at_once
        for start in range(0, n, step):
            part = slice(start, start + step)
            samples = data.scaling(data.val_images[part]).flatten(1)
            *_, x = self._layers.activations(self._values, samples)
            labels = data.val_labels[part].expand(members, -1)
            loss, right = F.cross_entropy(x, labels, reduction="none"), x.argmax(1) == labels
            counted = 1 if self._val_weights is None else self._val_weights[labels]
            losses += (loss * counted).sum(1)
            hits += (right * counted).sum(1)
        return Evaluation((losses / n).tolist(), (hits / n).tolist())

    def weights(self, row: int) -> dict[str, Tensor]:
        """Return one member's state dict without the padding."""
        return self._layers.state(self._values, row)

    def gradient(self, row: int) -> dict[str, Tensor]:
        """Return one member's gradient as `write_gradients` left it, by parameter name."""
        return self._layers.state(self._gradients, row)

    def narrow(self, rows: list[int]) -> None:
        """Cut weights and the optimizer's state down to these members."""
        before = self._layers
        self._lesson = self._lesson and self._lesson.only(rows)
        self._taught = self._stacked(self._lesson)
        self._hold(before.only(rows), before.cut(self._values, rows))
        self._optimizer = self._optimizer.cut_to(
            [self._values], self._weights, lambda flat: before.cut(flat, rows)
        )

    def state(self) -> list[Tensor]:
        """Return all weights, and what the optimizer remembers."""
        return [self._values, *self._optimizer.state()]

    def _buffers_for(self, batch: int) -> _Buffers:
        if batch not in self._buffers:
            smoothing, weights = self._recipe.label_smoothing or 0.0, self._train_weights
            size, device = (len(self._layers.sizes), batch), self._values.device
            loss = (
                soft_loss(smoothing, weights)
                if self._augmenter.does.mixes
                else smoothed_loss(size, smoothing, weights, device)
            )
            gather = Gatherer(
                self._data.train_images, self._data.scaling, math.prod(size), self._augmenter
            )
            columns = batch * (self._taught.passes if self._taught else 1)
            self._buffers[batch] = _Buffers(self._layers, device, columns, gather, loss)
        return self._buffers[batch]


def _batches(values: Tensor, size: int) -> Tensor:
    """Return (steps, G, B, ...) of (G, N, ...)."""
    members, samples = values.shape[:2]
    parts = values.reshape(members, -1, min(size, samples), *values.shape[2:])
    return parts.transpose(0, 1).contiguous()


class _Buffers:
    """What a step of one batch size writes, used again by the next; it answers so many columns."""

    def __init__(
        self, layers: Layers, device: torch.device, columns: int, gather: Gatherer, loss: Loss
    ) -> None:
        members = len(layers.sizes)
        self.gather = gather
        self.made = [torch.empty(members, out, columns, device=device) for out, _ in layers.padded]
        self.gradients = [torch.empty_like(made) for made in self.made[:-1]]
        self.loss = loss
