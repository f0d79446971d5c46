"""What training does to samples and labels: what was drawn for each, applied to a batch.

What happens to each sample in each epoch is drawn beforehand by the member's own generator, a
row of whole numbers for each: neither the engine, nor the device, nor the members that train
beside it change it.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from pruning.training.augment_names import MOVES, Augmentation
from pruning.training.augmentation import changed, cut_out, draw_changes, draw_cutout
from pruning.training.mixing import draw_cutmix, draw_mixup, mixed, mixed_labels, own_share
from pruning.training.trivial_augment import draw_trivial, trivially_changed

Fetch = Callable[[Tensor], Tensor]
"""(B,) int64 training samples → (B, …) as stored."""


class Augmenter:
    """Draws for samples of one shape what an augmentation does, and does it.

    Parameters
    ----------
    augment
        A name (`pruning.training.augment_names`).
    shape
        Of a sample: (C, H, W) or (F,).

    Raises
    ------
    RequestError
        If samples of this shape cannot be changed so.

    >>> from pruning.core.seeds import torch_generator
    >>> Augmenter("shift-mixup", (1, 8, 8)).draw(20, torch_generator(0, "batches")).shape
    torch.Size([20, 5])
    """

    def __init__(self, augment: str, shape: tuple[int, ...]) -> None:
        self.does, self._shape = Augmentation.of(augment), shape
        self.does.check_shape(shape)
        widths = {
            "moved": 4 if "photo" in self.does else 3,
            "trivial": 3, "cutout": 2, "mixup": 2, "cutmix": 5,
        }  # fmt: skip
        parts = dict.fromkeys("moved" if word in MOVES else word for word in self.does.words)
        ends = itertools.accumulate(widths[part] for part in parts)
        self._parts = {
            part: slice(end - widths[part], end) for part, end in zip(parts, ends, strict=True)
        }

    def draw(self, count: int, generator: torch.Generator) -> Tensor | None:
        """Return (count, K) int64, what happens to each sample of an epoch; None: nothing."""
        draws = {
            "moved": lambda: draw_changes(str(self.does), count, self._shape, generator),
            "trivial": lambda: draw_trivial(count, generator),
            "cutout": lambda: draw_cutout(count, self._shape, generator),
            "mixup": lambda: draw_mixup(count, generator),
            "cutmix": lambda: draw_cutmix(count, self._shape, generator),
        }
        drawn = [draws[part]() for part in self._parts]
        return torch.cat(drawn, 1) if drawn else None

    def samples(self, stored: Tensor, changes: Tensor, fetch: Fetch) -> Tensor:
        """Return (B, …) training samples, as stored, changed.

        Parameters
        ----------
        stored
            (B, …) of any dtype.
        changes
            (B, K) int64, rows that `draw` drew, on the same device.
        fetch
            Where the samples come from.
        """
        alone = self._alone(stored, changes)
        drawn = self._mixing(changes)
        if drawn is None:
            return alone
        return mixed(alone, self._alone(fetch(drawn[:, 0]), changes), drawn)

    def targets(
        self, labels: Tensor, index: Tensor, changes: Tensor | None, classes: int
    ) -> Tensor:
        """Return (B,) int64 labels of (B,) samples, or (B, classes) float32 where it mixes.

        `labels` are those of the training part, (N,).
        """
        own = labels[index]
        if not self.does.mixes:
            return own
        drawn = None if changes is None else self._mixing(changes)
        if drawn is None:
            return F.one_hot(own, classes).float()
        return mixed_labels(own, labels[drawn[:, 0]], own_share(drawn, self._shape), classes)

    def _alone(self, stored: Tensor, changes: Tensor) -> Tensor:
        """Change each sample by itself."""
        found = stored
        for part, apply in (
            ("moved", changed), ("trivial", trivially_changed), ("cutout", cut_out),
        ):  # fmt: skip
            if part in self._parts:
                found = apply(found, changes[:, self._parts[part]])
        return found

    def _mixing(self, changes: Tensor) -> Tensor | None:
        part = self._parts.get("mixup", self._parts.get("cutmix"))
        return None if part is None else changes[:, part]
