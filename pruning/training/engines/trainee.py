"""One network with its optimizer: a step, an epoch of steps, its validation."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from pruning.inference.layout import Layout
from pruning.surgery.layer_kinds import BatchNorm
from pruning.training.augmenter import Augmenter
from pruning.training.class_weights import class_weights
from pruning.training.device_data import DeviceData
from pruning.training.engines.precision import Precision
from pruning.training.lesson import Lesson, taught_loss
from pruning.training.loss import mean_loss
from pruning.training.optimizer import Optimizer, optimizer_of
from pruning.training.recipe import Rate, Recipe

Forward = Callable[[Tensor], Tensor]


class Trainee:
    """One network with its optimizer; it is trained in place.

    Parameters
    ----------
    network, data
        On the same device.
    recipe
        Resolved.
    precision
        What the products of training read.
    lesson
        What it alone is taught beside its labels; None: nothing.
    """

    def __init__(
        self,
        network: nn.Module,
        data: DeviceData,
        recipe: Recipe,
        precision: Precision,
        lesson: Lesson | None = None,
    ) -> None:
        self._lesson = lesson
        self.network, self.data = network, data
        self.smoothing = recipe.label_smoothing or 0.0
        kind, classes = recipe.class_weights, data.classes
        weights = class_weights(kind, data.train_labels, classes)
        self._class_weights = None if weights is None else weights.float()
        self._val_weights = class_weights(kind, data.val_labels, classes)
        self._batch_size, self._bf16 = recipe.batch_size, precision == "bf16"
        shape = tuple(data.train_images.shape[1:])
        self._augmenter = Augmenter(recipe.augment or "none", shape)
        self._scaled = data.scaling.on(data.train_images)
        self.layout = Layout.of(network, self._scaled(data.train_images[:1]))
        self._normed = any(isinstance(module, BatchNorm) for module in network.modules())
        self.optimizer: Optimizer = optimizer_of(network, recipe)

    def epoch(self, order: Tensor, rates: Sequence[Rate], changes: Tensor | None = None) -> float:
        """Train one epoch in this (N,) order, each step at its rate; return the mean loss."""
        self.network.train()
        total = torch.zeros((), dtype=torch.float64, device=order.device)
        # A last batch of one may have been joined to the one before.
        for rate, part in zip(rates, self.batches(len(order)), strict=False):
            index = order[part]
            drawn = None if changes is None else changes[part]
            inputs, targets = self.inputs(index, drawn), self.targets(index, drawn)
            loss = self.descend(self.loss(self.network, inputs, targets, drawn), rate)
            total += loss * len(index)
        return float(total / len(order))

    def descend(self, loss: Tensor, rate: Rate | Tensor) -> Tensor:
        """Take one step down a mean loss; return its value."""
        self.network.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        self.optimizer.step(rate)
        return loss.detach()

    def loss(
        self, forward: Forward, inputs: Tensor, targets: Tensor, changes: Tensor | None = None
    ) -> Tensor:
        """Return the mean loss of (B, …) network input, by what makes logits of it.

        A lesson that moves samples reads the last column of their (B, K) `changes`.
        """
        # A step reads each weight once: a cache of bfloat16 copies would save nothing.
        with torch.autocast(
            inputs.device.type, torch.bfloat16, enabled=self._bf16, cache_enabled=False
        ):
            logits = forward(inputs).float()
            if self._lesson is not None:
                asked = self._lesson.asked(0, inputs, changes)
                answers = self._lesson.answers(0, asked)
                compared = logits if asked is inputs else forward(asked).float()
        by_labels = mean_loss(logits, targets, self._class_weights, self.smoothing)
        if self._lesson is None:
            return by_labels
        return taught_loss(by_labels, compared, answers, self._lesson)

    @property
    def moves(self) -> bool:
        """Whether its lesson moves samples."""
        return self._lesson is not None and self._lesson.perturb > 0

    def state(self) -> list[Tensor]:
        """Return what steps change: weights, all buffers, what the optimizer remembers."""
        network = self.network
        return [*network.parameters(), *network.buffers(), *self.optimizer.state()]

    def batch_of(self, samples: int) -> int:
        """Return how many samples a step takes."""
        return min(self._batch_size or samples, samples)

    def batches(self, samples: int) -> Iterator[slice]:
        """Yield an epoch's batches; a last one of one sample joins the one before it.

        A batch norm finds no variance in one sample, and torch refuses to look for it.
        """
        size = self.batch_of(samples)
        last = samples - 1 if self._normed and 1 < size < samples and samples % size == 1 else None
        for start in range(0, samples, size):
            if start == last:
                return
            end = start + size
            yield slice(start, samples if end == last else min(end, samples))

    def inputs(self, index: Tensor, changes: Tensor | None = None) -> Tensor:
        """Return the training samples of (B,) int64, changed if told, as network input."""
        stored = self.data.train_images[index]
        if changes is not None:
            stored = self._augmenter.samples(stored, changes, self.data.train_images.__getitem__)
        return self.layout.batch(self._scaled(stored))

    def targets(self, index: Tensor, changes: Tensor | None = None) -> Tensor:
        """Return (B,) int64 labels, or (B, C) float32 shares where samples are mixed."""
        labels, classes = self.data.train_labels, self.data.classes
        return self._augmenter.targets(labels, index, changes, classes)

    @torch.no_grad()
    def validated(self) -> Tensor:
        """Return (2,) float64, mean loss and accuracy on the validation part, in eval mode."""
        data, weights = self.data, self._val_weights
        self.network.eval()
        found = torch.zeros(2, dtype=torch.float64, device=data.val_labels.device)
        for part in self.layout.parts(len(data.val_labels)):
            labels = data.val_labels[part]
            stored = self._scaled(data.val_images[part])
            logits = self.network(self.layout.batch(stored)).float()
            right = logits.argmax(-1) == labels
            if weights is None:
                loss, hits = F.cross_entropy(logits, labels, reduction="sum"), right.sum()
            else:
                losses, counted = F.cross_entropy(logits, labels, reduction="none"), weights[labels]
                loss, hits = (losses * counted).sum(), (right * counted).sum()
            found += torch.stack([loss, hits])
        return found / len(data.val_labels)
