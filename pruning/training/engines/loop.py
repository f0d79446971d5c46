"""Networks of any kind, one step after the other, by PyTorch's own autograd."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from pruning.inference.layout import Layout
from pruning.networks.weights import tensors_of
from pruning.surgery.layer_kinds import BatchNorm
from pruning.training.augmentation import changed
from pruning.training.device_data import DeviceData
from pruning.training.engines.engine import ENGINES, Engine, Evaluation
from pruning.training.optimizer import decayed_parameters, make_optimizer
from pruning.training.recipe import Recipe


@ENGINES.register("loop")
class Loop(Engine):
    """G networks of any kind; they are trained in place."""

    summary = "one network after the other, float32"

    bf16: ClassVar[bool] = False
    """Whether the products of training read bfloat16."""

    def __init__(self, networks: Sequence[nn.Module], data: DeviceData, recipe: Recipe) -> None:
        self.members = [Trainee(network, data, recipe, self.bf16) for network in networks]

    @classmethod
    def auto_rank(cls, network: nn.Module, device: str) -> int | None:
        """Return 0: it runs what nothing else runs better."""
        return 0

    def epoch(
        self, orders: Tensor, rates: Sequence[float], changes: Tensor | None = None
    ) -> list[float]:
        """Train one epoch; return each member's mean loss."""
        return [
            member.epoch(orders[row], rates, None if changes is None else changes[row])
            for row, member in enumerate(self.members)
        ]

    def evaluate(self) -> Evaluation:
        """Return loss and accuracy on the validation part."""
        found = [member.evaluate() for member in self.members]
        return Evaluation([loss for loss, _ in found], [accuracy for _, accuracy in found])

    def weights(self, row: int) -> dict[str, Tensor]:
        """Return a copy of one member's state dict."""
        return {key: value.clone() for key, value in tensors_of(self.members[row].network).items()}

    def narrow(self, rows: list[int]) -> None:
        """Go on with these members only."""
        self.members = [self.members[row] for row in rows]


class Trainee:
    """One network with its optimizer."""

    def __init__(self, network: nn.Module, data: DeviceData, recipe: Recipe, bf16: bool) -> None:
        self.network, self._data, self._recipe, self._bf16 = network, data, recipe, bf16
        self._scaled = data.scaling.on(data.train_images)
        self._layout = Layout.of(network, self._scaled(data.train_images[:1]))
        self._normed = any(isinstance(module, BatchNorm) for module in network.modules())
        self.optimizer = make_optimizer(
            recipe, list(network.parameters()), decayed_parameters(network)
        )

    def epoch(self, order: Tensor, rates: Sequence[float], changes: Tensor | None = None) -> float:
        """Train one epoch in this (N,) order, each step at its rate; return the mean loss."""
        self.network.train()
        total = torch.zeros((), dtype=torch.float64, device=order.device)
        # A last batch of one may have been joined to the one before.
        for rate, part in zip(rates, self.batches(len(order)), strict=False):
            drawn = None if changes is None else changes[part]
            total += self.step(order[part], rate, drawn) * len(order[part])
        return float(total / len(order))

    def step(self, index: Tensor, rate: float | Tensor, changes: Tensor | None = None) -> Tensor:
        """Take one step on the samples of (B,) int64, changed if told; return their mean loss."""
        stored = self._data.train_images[index]
        stored = stored if changes is None else changed(stored, changes)
        loss = F.cross_entropy(
            self._logits(stored),
            self._data.train_labels[index],
            label_smoothing=self._recipe.label_smoothing or 0.0,
        )
        self.network.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        self.optimizer.step(rate)
        return loss.detach()

    def batch_of(self, samples: int) -> int:
        """Return how many samples a step takes."""
        return min(self._recipe.batch_size or samples, samples)

    def batches(self, samples: int) -> Iterator[slice]:
        """Yield an epoch's batches; a last one of one sample joins the one before it.

        A batch norm finds no variance in one sample, and torch refuses to look for it.
        """
        size = self.batch_of(samples)
        last = samples - 1 if self._normed and 1 < size < samples and samples % size == 1 else None
        for start in range(0, samples, size):
            if start == last:
                return
            yield slice(start, samples if start + size == last else start + size)

    def _logits(self, stored: Tensor) -> Tensor:
        # A step reads each weight once: a cache of bfloat16 copies would save nothing.
        with torch.autocast(
            stored.device.type, torch.bfloat16, enabled=self._bf16, cache_enabled=False
        ):
            logits: Tensor = self.network(self._input(stored))
        return logits.float()

    def _input(self, stored: Tensor) -> Tensor:
        return self._layout.batch(self._scaled(stored))

    @torch.inference_mode()
    def evaluate(self) -> tuple[float, float]:
        """Return mean loss and accuracy on the validation part."""
        data = self._data
        self.network.eval()
        loss = torch.zeros((), dtype=torch.float64, device=data.val_labels.device)
        hits = torch.zeros_like(loss)
        for part in self._layout.parts(len(data.val_labels)):
            labels = data.val_labels[part]
            logits = self.network(self._input(data.val_images[part])).float()
            loss += F.cross_entropy(logits, labels, reduction="sum")
            hits += (logits.argmax(-1) == labels).sum()
        return float(loss / len(data.val_labels)), float(hits / len(data.val_labels))
