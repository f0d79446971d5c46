"""Cross-entropy of stacked networks with its gradient, written out.

Labels may be smoothed (Szegedy et al. 2016) and classes weighed; together they mean what
`torch.nn.functional.cross_entropy` makes of ``weight`` and ``label_smoothing``, or, where
labels are shares of classes, `pruning.training.loss.mean_loss`.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

Loss = Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]
"""(G, C, B) logits, (G, B) labels → (G,) B times the mean loss, (G, C, B) the mean's gradient.

A soft one takes (G, C, B) shares of classes for labels."""


def smoothed_loss(
    size: tuple[int, int], smoothing: float, weights: Tensor | None, device: torch.device
) -> Loss:
    """Return the loss of batches of this size.

    Parameters
    ----------
    size
        (G, B): how many networks, and samples of each.
    smoothing
        Share of a label that all classes get alike, in [0, 1).
    weights
        (C,) what a sample of each class counts; None: all the same.
    device
        Of what it will be given.
    """
    if weights is not None:
        return _Weighted(smoothing, weights.to(device, torch.float32))
    return _Even(size, smoothing, device)


def soft_loss(smoothing: float, weights: Tensor | None) -> Loss:
    """Return the loss of labels that are shares of classes; parameters as of `smoothed_loss`."""
    return _Soft(smoothing, None if weights is None else weights.float().unsqueeze(1))


class _Even:
    """All classes count the same."""

    def __init__(self, size: tuple[int, int], smoothing: float, device: torch.device) -> None:
        members, batch = size
        self._smoothing = smoothing
        self._minus_true = torch.full((members, 1, batch), smoothing - 1.0, device=device)

    def __call__(self, logits: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        log_probabilities = torch.log_softmax(logits, 1)
        picked = labels.unsqueeze(1)
        losses = log_probabilities.gather(1, picked).sum((1, 2)).neg_()
        if self._smoothing:
            even = log_probabilities.mean(1).sum(1).neg_()
            losses.mul_(1 - self._smoothing).add_(even, alpha=self._smoothing)
        gradient = log_probabilities.exp_()
        gradient.scatter_add_(1, picked, self._minus_true)
        if self._smoothing:
            gradient.sub_(self._smoothing / gradient.shape[1])
        return losses, gradient.div_(labels.shape[1])


class _Weighted:
    """The mean is weighted by each sample's class."""

    def __init__(self, smoothing: float, weights: Tensor) -> None:
        self._weights = weights
        self._true = 1 - smoothing
        self._spread = (smoothing / len(weights) * weights).unsqueeze(1)  # (C, 1)

    def __call__(self, logits: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        log_probabilities = torch.log_softmax(logits, 1)
        picked, counted = labels.unsqueeze(1), self._weights[labels].unsqueeze(1)  # (G, 1, B)
        on_true, whole = self._true * counted, counted.sum(2, keepdim=True)
        of_true = log_probabilities.gather(1, picked) * on_true
        of_all = log_probabilities * self._spread
        losses = (of_true.sum((1, 2)) + of_all.sum((1, 2))).div_(whole.flatten()).neg_()
        # Each label is on_true at its class and spread over all: softmax's gradient is its sum
        # times the probabilities, less the label itself.
        gradient = log_probabilities.exp_().mul_(on_true + self._spread.sum())
        gradient.scatter_add_(1, picked, -on_true).sub_(self._spread)
        return losses.mul_(labels.shape[1]), gradient.div_(whole)


class _Soft:
    """Labels are shares of classes; the mean is weighted by what of them each sample has."""

    def __init__(self, smoothing: float, weights: Tensor | None) -> None:
        self._smoothing, self._weights = smoothing, weights  # (C, 1)

    def __call__(self, logits: Tensor, shares: Tensor) -> tuple[Tensor, Tensor]:
        log_probabilities = torch.log_softmax(logits, 1)
        wanted = shares * (1 - self._smoothing) + self._smoothing / shares.shape[1]
        samples = shares.shape[2]
        whole = shares.new_full((len(shares), 1, 1), samples)
        if self._weights is not None:
            wanted = wanted * self._weights
            whole = (shares * self._weights).sum((1, 2), keepdim=True)
        losses = (log_probabilities * wanted).sum((1, 2), keepdim=True).div_(whole).neg_()
        gradient = log_probabilities.exp_().mul_(wanted.sum(1, keepdim=True)).sub_(wanted)
        return losses.flatten().mul_(samples), gradient.div_(whole)
