"""`mnist`: 60,000 + 10,000 handwritten digits of 28 × 28, in torchvision's layout."""

from __future__ import annotations

from pathlib import Path

from pruning.data.idx import read_idx_data_set
from pruning.data.raw import RawData, encode
from pruning.data.sources import SOURCES


@SOURCES.register("mnist")
def mnist(data_dir: Path | None = None) -> RawData:
    """Read ``<data_dir>/MNIST/raw``; download it where it is missing. Classes are 0..9."""
    data = read_idx_data_set("mnist", "MNIST", data_dir)
    labels, classes = encode(data.labels)
    return RawData(data.images, labels, classes, data.test_from)
