"""Two samples become one: mixup (Zhang et al. 2018) and CutMix (Yun et al. 2019).

A sample of the training part is drawn for each as its partner, every one once an epoch, and how
much of the mixture is the sample's own: uniform from 0 to 1, for each sample by itself. The
partner is changed beforehand as the sample is. Labels become shares of both.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

WHOLE = 2**16
"""A sample's own share of a mixture is a whole number of this many parts."""


def draw_mixup(count: int, generator: torch.Generator) -> Tensor:
    """Return (count, 2) int64: the partner, and the sample's own share in parts of `WHOLE`."""
    partners = torch.randperm(count, generator=generator)
    return torch.stack([partners, torch.randint(0, WHOLE + 1, (count,), generator=generator)], 1)


def draw_cutmix(count: int, shape: tuple[int, ...], generator: torch.Generator) -> Tensor:
    """Return (count, 5) int64: the partner, and top, bottom, left and right of its part.

    A box of the image's own proportions, whose area is uniform from nothing to the whole, lies
    about a place that is uniform in the image, less what of it lies outside.
    """
    partners = torch.randperm(count, generator=generator)
    part = torch.rand(count, generator=generator, dtype=torch.float64).sqrt()
    columns = [partners]
    for side in shape[1:]:
        centre = torch.randint(0, side, (count,), generator=generator)
        reach = (part * side).round().long()
        start = centre - reach // 2
        columns += [start.clamp(0, side), (start + reach).clamp(0, side)]
    return torch.stack(columns, 1)


def own_share(drawn: Tensor, shape: tuple[int, ...]) -> Tensor:
    """Return (B,) float32, how much of each mixture is the sample's own, in [0, 1].

    >>> own_share(torch.tensor([[7, 49152]]), (5,)).tolist()
    [0.75]
    >>> own_share(torch.tensor([[7, 0, 1, 0, 4]]), (3, 2, 4)).tolist()
    [0.5]
    """
    if drawn.shape[1] == 2:
        return torch.true_divide(drawn[:, 1], WHOLE)
    _, top, bottom, left, right = drawn.T
    pasted: Tensor = (bottom - top) * (right - left)
    return 1 - pasted / (shape[1] * shape[2])


def mixed(own: Tensor, partners: Tensor, drawn: Tensor) -> Tensor:
    """Return the mixtures of (B, …) samples with their partners.

    float32 for mixup; for CutMix, of images alone, of the samples' dtype.
    """
    if drawn.shape[1] == 2:
        share = own_share(drawn, tuple(own.shape[1:])).view(-1, *[1] * (own.ndim - 1))
        return own * share + partners * (1 - share)
    _, top, bottom, left, right = drawn[:, :, None].unbind(1)
    rows = torch.arange(own.shape[2], device=own.device)
    columns = torch.arange(own.shape[3], device=own.device)
    inside = ((rows >= top) & (rows < bottom))[:, None, :, None]
    inside = inside & ((columns >= left) & (columns < right))[:, None, None, :]
    return torch.where(inside, partners, own)


def mixed_labels(own: Tensor, partners: Tensor, share: Tensor, classes: int) -> Tensor:
    """Return (B, classes) float32, what share of a mixture is of each class; they add up to 1.

    >>> mixed_labels(torch.tensor([0]), torch.tensor([2]), torch.tensor([0.75]), 3).tolist()
    [[0.75, 0.0, 0.25]]
    """
    share = share.unsqueeze(1)
    return F.one_hot(own, classes) * share + F.one_hot(partners, classes) * (1 - share)
