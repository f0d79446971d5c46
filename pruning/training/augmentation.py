"""Augmentation as batched tensor work on stored images: shifts and mirror images.

What happens to each sample in each epoch is drawn beforehand by the member's own generator:
neither the engine, nor the device, nor the members that train beside it change it.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from pruning.core.errors import RequestError
from pruning.training.recipe import Augment


def draw_shifts(
    augment: Augment, count: int, shape: tuple[int, ...], generator: torch.Generator
) -> Tensor | None:
    """Return (count, 3) int64 rows (down, right, mirrored), or None for ``"none"``.

    Parameters
    ----------
    augment
        ``"shift"`` shifts by up to an eighth of the side each way, in whole pixels, and fills
        with 0; ``"shift-flip"`` also mirrors half of the samples, left to right.
    count
        Samples.
    shape
        Of one: (C, H, W).
    generator
        On the CPU.

    Raises
    ------
    RequestError
        If the samples are no images.
    """
    if augment == "none":
        return None
    if len(shape) != 3:
        raise RequestError(f"augmentation {augment!r} needs images, got samples of shape {shape}")
    shifts = torch.empty(count, 3, dtype=torch.int64)
    for axis, side in enumerate(shape[1:]):
        shifts[:, axis] = torch.randint(-(side // 8), side // 8 + 1, (count,), generator=generator)
    mirrors = 2 if augment == "shift-flip" else 1
    shifts[:, 2] = torch.randint(0, mirrors, (count,), generator=generator)
    return shifts


def shifted(images: Tensor, shifts: Tensor) -> Tensor:
    """Return the images shifted, and mirrored where that was drawn.

    Parameters
    ----------
    images
        (B, C, H, W) of any dtype.
    shifts
        (B, 3) int64, as `draw_shifts` drew them, on the images' device.

    >>> image = torch.tensor([[[[1, 2], [3, 4]]]])
    >>> shifted(image, torch.tensor([[0, 1, 0]])).tolist()
    [[[[0, 1], [0, 3]]]]
    >>> shifted(image, torch.tensor([[0, 0, 1]])).tolist()
    [[[[2, 1], [4, 3]]]]
    """
    (count, _, height, width), device = images.shape, images.device
    down, right, mirrored = shifts.T.unsqueeze(2)
    across = torch.arange(width, device=device)
    rows = torch.arange(height, device=device) - down
    columns = torch.where(mirrored.bool(), width - 1 - across, across) - right
    # All pixels from outside the image are read from a border of zeros, one pixel wide.
    bordered = F.pad(images, (1, 1, 1, 1))
    rows = (rows + 1).clamp(0, height + 1)
    columns = (columns + 1).clamp(0, width + 1)
    sample = torch.arange(count, device=device)[:, None, None]
    picked = bordered.movedim(1, 3)[sample, rows[:, :, None], columns[:, None, :]]
    return picked.movedim(3, 1)
