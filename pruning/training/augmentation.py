"""Augmentation as batched tensor work on stored images: shifts, mirror images, light, holes."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from pruning.training.augment_names import Augmentation

DARKEST, LIGHTEST = 80, 120
"""By how many percent a photo's values are multiplied, at least and at most."""


def draw_changes(
    augment: str, count: int, shape: tuple[int, ...], generator: torch.Generator
) -> Tensor:
    """Return (count, K) int64, how each sample is moved and lit.

    A row is (down, right, mirrored); for ``"photo"`` (down, right, mirrored, light in percent).

    Parameters
    ----------
    augment
        ``"shift"`` shifts by up to an eighth of the side each way, in whole pixels, and fills
        with 0; ``"flip"`` mirrors half of the samples, left to right; ``"photo"`` does both,
        fills with what the image's edge mirrors instead, and multiplies values by 0.8 to 1.2.
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
    does = Augmentation.of(augment)
    does.check_shape(shape)
    photo = "photo" in does
    changes = torch.empty(count, 4 if photo else 3, dtype=torch.int64)
    for axis, side in enumerate(shape[1:]):
        most = side // 8 if photo or "shift" in does else 0
        changes[:, axis] = torch.randint(-most, most + 1, (count,), generator=generator)
    mirrors = 2 if photo or "flip" in does else 1
    changes[:, 2] = torch.randint(0, mirrors, (count,), generator=generator)
    if photo:
        changes[:, 3] = torch.randint(DARKEST, LIGHTEST + 1, (count,), generator=generator)
    return changes


def changed(images: Tensor, changes: Tensor) -> Tensor:
    """Return the images shifted, and mirrored and lit where that was drawn.

    Parameters
    ----------
    images
        (B, C, H, W) of any dtype.
    changes
        (B, K) int64, as `draw_changes` drew them, on the images' device.

    Returns
    -------
    Tensor
        (B, C, H, W) of the same dtype; float32 where light was drawn.

    >>> image = torch.tensor([[[[1, 2], [3, 4]]]])
    >>> changed(image, torch.tensor([[0, 1, 0]])).tolist()
    [[[[0, 1], [0, 3]]]]
    >>> changed(image, torch.tensor([[0, 0, 1]])).tolist()
    [[[[2, 1], [4, 3]]]]
    >>> changed(image, torch.tensor([[0, 1, 0, 50]])).tolist()
    [[[[1.0, 0.5], [2.0, 1.5]]]]
    """
    (_, _, height, width), device = images.shape, images.device
    down, right, mirrored = changes[:, :3].T.unsqueeze(2)
    across = torch.arange(width, device=device)
    rows = torch.arange(height, device=device) - down
    columns = torch.where(mirrored.bool(), width - 1 - across, across) - right
    if changes.shape[1] == 3:
        # All pixels from outside the image are read from a border of zeros, one pixel wide.
        bordered = F.pad(images, (1, 1, 1, 1))
        rows, columns = (rows + 1).clamp(0, height + 1), (columns + 1).clamp(0, width + 1)
        return _picked(bordered, rows, columns)
    picked = _picked(images, _reflected(rows, height), _reflected(columns, width))
    # In place, because whole numbers times fractions are many times slower than either alone.
    return picked.float().mul_((changes[:, 3] / 100).view(-1, 1, 1, 1))


def _reflected(places: Tensor, side: int) -> Tensor:
    """Return the places inside the image that those outside it mirror, the edge not twice."""
    last = side - 1
    return (last - (last - places.abs()).abs()).clamp(0, last)


def _picked(images: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
    """Return (B, C, H, W) read from each image's (B, H) rows and (B, W) columns."""
    sample = torch.arange(len(images), device=images.device)[:, None, None]
    picked = images.movedim(1, 3)[sample, rows[:, :, None], columns[:, None, :]]
    return picked.movedim(3, 1)


def draw_cutout(count: int, shape: tuple[int, ...], generator: torch.Generator) -> Tensor:
    """Return (count, 2) int64: the row and column about which each image loses a part."""
    centres = [torch.randint(0, side, (count,), generator=generator) for side in shape[1:]]
    return torch.stack(centres, 1)


def cut_out(images: Tensor, centres: Tensor) -> Tensor:
    """Return the images without a box of half of each side, less what of it lies outside.

    Cutout (DeVries & Taylor 2017); the box is filled with the mean of each channel of the
    image, of which network input is about 0.

    Parameters
    ----------
    images
        (B, C, H, W) of any dtype.
    centres
        (B, 2) int64, as `draw_cutout` drew them.

    Returns
    -------
    Tensor
        (B, C, H, W) of the same dtype.

    >>> cut_out(torch.tensor([[[[1, 2], [3, 6]]]]), torch.tensor([[1, 0]])).tolist()
    [[[[1, 2], [3, 6]]]]
    """
    inside = torch.ones(1, dtype=torch.bool, device=images.device)
    for axis, side in enumerate(images.shape[2:]):
        start = (centres[:, axis] - side // 4).view(-1, 1, 1, 1)
        along = torch.arange(side, device=images.device).view(1, 1, *((-1, 1), (1, -1))[axis])
        inside = inside & (along >= start) & (along < start + side // 2)
    return torch.where(inside, images.float().mean((2, 3), keepdim=True).to(images.dtype), images)
