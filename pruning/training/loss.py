"""The loss that networks are trained by."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional as F  # noqa: N812


def mean_loss(
    logits: Tensor, targets: Tensor, weights: Tensor | None = None, smoothing: float = 0.0
) -> Tensor:
    """Return the mean cross-entropy of a batch, in nats.

    Parameters
    ----------
    logits
        (B, C) float32.
    targets
        (B,) int64 labels, or (B, C) float32: what share of each sample is of each class.
    weights
        (C,) float32, what a sample of each class counts: the mean is weighted by it, as
        `torch.nn.functional.cross_entropy`'s of labels; None: all count the same.
    smoothing
        Share of a label that all classes get alike, in [0, 1).

    Examples
    --------
    >>> import torch
    >>> logits = torch.tensor([[0.0, 0.0], [2.0, 0.0]])
    >>> labels, shares = torch.tensor([0, 1]), torch.tensor([[1.0, 0.0], [0.0, 1.0]])
    >>> round(mean_loss(logits, labels).item(), 4), round(mean_loss(logits, shares).item(), 4)
    (1.41, 1.41)
    """
    if targets.ndim == 1:
        return F.cross_entropy(logits, targets, weights, label_smoothing=smoothing)
    summed = F.cross_entropy(logits, targets, weights, label_smoothing=smoothing, reduction="sum")
    return summed / (len(targets) if weights is None else (targets @ weights).sum())
