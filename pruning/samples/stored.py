"""Samples as they are stored, with what makes network input of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

    from pruning.samples.scaling import Scaling


@dataclass(frozen=True, eq=False)
class StoredSamples:
    """Samples, scaled only when a batch of them is asked for.

    Attributes
    ----------
    images
        (N, C, H, W) uint8 or (N, F) float32.
    scaling
        Makes network input of them.
    labels
        (N,) int64 class indices, on the images' device; None where nothing asks for them.
    """

    images: Tensor
    scaling: Scaling
    labels: Tensor | None = None

    def __len__(self) -> int:
        return len(self.images)

    def inputs(self, part: slice) -> Tensor:
        """Return the float32 network input of some samples, on the images' device."""
        return self.scaling(self.images[part])
