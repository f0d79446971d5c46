"""How stored values become network input."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pruning.samples.reading import AS_TOLD, Reading

if TYPE_CHECKING:
    from collections.abc import Callable

    import torch


@dataclass(frozen=True)
class Scaling:
    """Stored values become network input as ``(x - offset) / scale``, in float32.

    Attributes
    ----------
    offset, scale
        Channel (or feature) values: length C, F or 1; every scale is positive. The default
        takes uint8 pixels to 0..1.
    reading
        How what is handed over becomes what is stored.
    """

    offset: tuple[float, ...] = (0.0,)
    scale: tuple[float, ...] = (255.0,)
    reading: Reading = AS_TOLD

    def __post_init__(self) -> None:
        if len(self.offset) != len(self.scale):
            raise ValueError(f"{len(self.offset)} offsets but {len(self.scale)} scales")
        if not all(s > 0 for s in self.scale):
            raise ValueError(f"scale {self.scale} must be positive")

    def __call__(self, values: torch.Tensor) -> torch.Tensor:
        """Scale (..., C, H, W) uint8 images or (..., F) rows on the device they are on."""
        return self.on(values)(values)

    def on(self, values: torch.Tensor) -> Callable[[torch.Tensor], torch.Tensor]:
        """Return the scaling of values stored like these, its numbers on their device."""
        import torch

        trailing = (1, 1) if values.dtype == torch.uint8 else ()
        offset = torch.tensor(self.offset, device=values.device).reshape(-1, *trailing)
        scale = torch.tensor(self.scale, device=values.device).reshape(-1, *trailing)
        return lambda stored: (stored.float() - offset) / scale
