"""TrivialAugment (Müller & Hutter 2021): one operation a sample, drawn with its strength.

The operations and strengths are those of torchvision's ``TrivialAugmentWide``, but for shifts,
of up to half the side (there of up to 32 pixels), and shears, about the centre.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

MOVES = ("shear-x", "shear-y", "translate-x", "translate-y", "rotate")
OPERATIONS = (
    "identity", *MOVES,
    "brightness", "color", "contrast", "sharpness",
    "posterize", "solarize", "autocontrast", "equalize",
)  # fmt: skip
STRENGTHS = 31
STRONGEST_SHEAR, STRONGEST_TURN, STRONGEST_BLEND = 0.99, 135.0, 0.99
FEWEST_BITS = 2
WHITE = 255.0
Change = Callable[[Tensor, Tensor, Tensor, Tensor], Tensor]
"""(B, C, H, W) images, (B,) operations, strengths in [0, 1], the same with their sign → images."""
LUMA = (0.2989, 0.587, 0.114)
"""What red, green and blue add to how light a pixel is."""


def draw_trivial(count: int, generator: torch.Generator) -> Tensor:
    """Return (count, 3) int64: an operation, a strength from 0 to 30, 1 where it is turned."""
    ranges = (len(OPERATIONS), STRENGTHS, 2)
    drawn = [torch.randint(0, most, (count,), generator=generator) for most in ranges]
    return torch.stack(drawn, 1)


def trivially_changed(images: Tensor, drawn: Tensor, *, whole: bool | None = None) -> Tensor:
    """Return (B, C, H, W) float32 images, each changed by the operation that was drawn for it.

    Parameters
    ----------
    images
        (B, C, H, W), values from 0 to 255.
    drawn
        (B, 3) int64, as `draw_trivial` drew them.
    whole
        Whether every operation is computed for all images, of which each takes its own. None: on
        CUDA, where to pick some images would be to wait for the device.
    """
    images = images.float()
    operation, strength, turned = drawn.T
    level = strength / (STRENGTHS - 1)
    signed = torch.where(turned.bool(), -level, level)
    found = images.clone()
    moves = (operation >= 1) & (operation < len(MOVES) + 1)
    for these, change in (
        (moves, _moved),
        *((operation == OPERATIONS.index(name), change) for name, change in LIGHTS.items()),
    ):
        if images.is_cuda if whole is None else whole:
            found = torch.where(_each(these), change(images, operation, level, signed), found)
        elif len(rows := these.nonzero().flatten()):
            found[rows] = change(images[rows], operation[rows], level[rows], signed[rows])
    return found


def _each(values: Tensor) -> Tensor:
    return values.view(-1, 1, 1, 1)


def _moved(images: Tensor, operation: Tensor, level: Tensor, signed: Tensor) -> Tensor:
    """Shear, shift or turn about the centre; pixels from outside are black."""
    height, width = images.shape[2:]

    def where(name: str, yes: Tensor, no: Tensor | float) -> Tensor:
        return torch.where(operation == OPERATIONS.index(name), yes, no)

    angle = torch.deg2rad(signed * STRONGEST_TURN)
    shear, zero = signed * STRONGEST_SHEAR, torch.zeros_like(signed)
    along = where("rotate", angle.cos(), 1.0)
    x_of_y = where("rotate", -angle.sin(), where("shear-x", shear, 0.0))
    y_of_x = where("rotate", angle.sin(), where("shear-y", shear, 0.0))
    right = where("translate-x", (signed * width / 2).trunc(), zero)
    down = where("translate-y", (signed * height / 2).trunc(), zero)
    y = torch.arange(height, device=images.device).float() - (height - 1) / 2
    x = torch.arange(width, device=images.device).float() - (width - 1) / 2
    along, x_of_y, y_of_x, right, down = (
        value.view(-1, 1, 1) for value in (along, x_of_y, y_of_x, right, down)
    )
    columns = along * x + x_of_y * y[:, None] - right + (width - 1) / 2
    rows = along * y[:, None] + y_of_x * x - down + (height - 1) / 2
    # All pixels from outside the image are read from a border of black, one pixel wide.
    columns = (columns.round().long() + 1).clamp(0, width + 1)
    rows = (rows.round().long() + 1).clamp(0, height + 1)
    place = (rows * (width + 2) + columns).flatten(1).unsqueeze(1)
    bordered = F.pad(images, (1, 1, 1, 1)).flatten(2)
    return bordered.gather(2, place.expand(-1, images.shape[1], -1)).view_as(images)


def _towards(dull: Callable[[Tensor], Tensor]) -> Change:
    """Return what goes from an image without a property towards the image, and beyond."""

    def change(images: Tensor, operation: Tensor, level: Tensor, signed: Tensor) -> Tensor:
        base = dull(images)
        return (base + _each(1 + signed * STRONGEST_BLEND) * (images - base)).clamp(0, WHITE)

    return change


def _grey(images: Tensor) -> Tensor:
    if images.shape[1] != 3:
        return images.mean(1, keepdim=True)
    return (images * images.new_tensor(LUMA).view(1, 3, 1, 1)).sum(1, keepdim=True)


def _blurred(images: Tensor) -> Tensor:
    """Mix each pixel with its neighbours, 5 to 8; those at the edge stay."""
    if min(images.shape[2:]) < 3:
        return images
    sums = F.avg_pool2d(images, 3, 1, divisor_override=1)
    inner = (sums + 4 * images[:, :, 1:-1, 1:-1]) / 13
    blurred = images.clone()
    blurred[:, :, 1:-1, 1:-1] = inner
    return blurred


def _posterized(images: Tensor, operation: Tensor, level: Tensor, signed: Tensor) -> Tensor:
    """Keep the first 8 to 2 bits."""
    step = _each(2 ** (level * (8 - FEWEST_BITS)).round())
    return (images / step).floor() * step


def _solarized(images: Tensor, operation: Tensor, level: Tensor, signed: Tensor) -> Tensor:
    """Turn what is light dark."""
    return torch.where(images >= WHITE * (1 - _each(level)), WHITE - images, images)


def _stretched(images: Tensor, operation: Tensor, level: Tensor, signed: Tensor) -> Tensor:
    """Let each channel reach from black to white, unless it has one value."""
    least, most = images.amin((2, 3), keepdim=True), images.amax((2, 3), keepdim=True)
    span = most - least
    return torch.where(span > 0, (images - least) * WHITE / span.clamp_min(1e-9), images)


def _equalized(images: Tensor, operation: Tensor, level: Tensor, signed: Tensor) -> Tensor:
    """Give each channel about as many pixels of every value (PIL's ``ImageOps.equalize``)."""
    values = images.flatten(2).round().long().clamp(0, int(WHITE))
    counts = values.new_zeros(*values.shape[:2], int(WHITE) + 1)
    counts.scatter_add_(2, values, torch.ones_like(values))
    of_most = counts.gather(2, values.amax(2, keepdim=True))
    step = (values.shape[2] - of_most) // int(WHITE)
    below = counts.cumsum(2) - counts
    table = (below + step // 2) // step.clamp_min(1)
    equal = table.clamp(0, int(WHITE)).gather(2, values).float()
    return torch.where((step > 0).unsqueeze(3), equal.view_as(images), images)


LIGHTS: dict[str, Change] = {
    "brightness": _towards(torch.zeros_like),
    "color": _towards(lambda images: _grey(images) if images.shape[1] == 3 else images),
    "contrast": _towards(lambda images: _grey(images).mean((1, 2, 3), keepdim=True)),
    "sharpness": _towards(_blurred),
    "posterize": _posterized,
    "solarize": _solarized,
    "autocontrast": _stretched,
    "equalize": _equalized,
}
"""What changes values where they are."""
