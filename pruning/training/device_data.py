"""Training data on a device, as stored: scaled batch by batch, never as a whole."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor

from pruning.data.splits import Splits
from pruning.samples.scaling import Scaling
from pruning.samples.stored import StoredSamples
from pruning.training.augmenter import Augmenter


@dataclass(frozen=True, eq=False)
class DeviceData:
    """What training reads, on the device: images as stored, labels as class indices.

    `classes` is how many there are, in these parts or not.
    """

    train_images: Tensor
    train_labels: Tensor
    val_images: Tensor
    val_labels: Tensor
    scaling: Scaling
    classes: int

    @classmethod
    def of(cls, splits: Splits, device: str | torch.device) -> DeviceData:
        """Take the training and validation parts to the device; a CPU shares their memory."""
        return cls(
            _on_device(splits.train.images, device),
            _on_device(splits.train.labels, device),
            _on_device(splits.val.images, device),
            _on_device(splits.val.labels, device),
            splits.scaling,
            len(splits.classes),
        )

    @property
    def train_samples(self) -> StoredSamples:
        """The training part as scores and the oracle read it."""
        return StoredSamples(self.train_images, self.scaling, self.train_labels)


def _on_device(values: NDArray[Any], device: str | torch.device) -> Tensor:
    """Return the array as a tensor that shares its memory on a CPU; nobody writes to it.

    Worker processes map one copy of the data, and data that do not fit in memory are mapped
    from a file: a copy in each process would hold them several times.
    """
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "The given NumPy array is not writable")
        # Images of one channel lie first or last alike; torch goes by strides, and NumPy's are any.
        return torch.from_numpy(values).flatten().view(values.shape).to(device)


class Gatherer:
    """Fetches samples by index into one buffer, as network input.

    Parameters
    ----------
    images
        (N, C, H, W) uint8 or (N, F) float32.
    scaling
        Makes network input of them; the buffer holds the same numbers to the bit.
    rows
        Samples fetched at a time.
    augmenter
        Changes them where it is told how; None: nothing will be told.
    """

    def __init__(
        self, images: Tensor, scaling: Scaling, rows: int, augmenter: Augmenter | None = None
    ) -> None:
        self._augmenter = augmenter
        self._images, self._shape = images.flatten(1), images.shape[1:]
        features = self._images.shape[1]
        self.samples = torch.empty(rows, features, device=images.device)
        whole = images.dtype == torch.float32
        self._stored = self.samples if whole else torch.empty_like(self.samples, dtype=images.dtype)
        self._by_channel = self.samples.view(rows, len(scaling.scale), -1)
        self._offset = torch.tensor(scaling.offset, device=images.device).unsqueeze(1)
        self._scale = torch.tensor(scaling.scale, device=images.device).unsqueeze(1)
        self._offsets = any(scaling.offset)
        self._scaled = any(scale != 1 for scale in scaling.scale)

    def __call__(self, index: Tensor, changes: Tensor | None = None) -> Tensor:
        """Return the (rows, F) float32 samples of (rows,) int64; the next call overwrites them.

        With (rows, K) int64 `changes`, changed as `pruning.training.augmenter` does.
        """
        torch.index_select(self._images, 0, index, out=self._stored)
        if self._augmenter is not None and changes is not None:
            images = self._stored.view(-1, *self._shape)
            self.samples.copy_(self._augmenter.samples(images, changes, self._fetched).flatten(1))
        elif self._stored is not self.samples:
            self.samples.copy_(self._stored)
        if self._offsets:
            self._by_channel.sub_(self._offset)
        if self._scaled:
            self._by_channel.div_(self._scale)
        return self.samples

    def _fetched(self, index: Tensor) -> Tensor:
        return self._images[index].view(-1, *self._shape)
