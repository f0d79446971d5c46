"""`fashion-mnist`: 60,000 + 10,000 pieces of clothing of 28 × 28, in MNIST's file format."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from pruning.data.idx import read_idx_data_set
from pruning.data.raw import RawData, encode
from pruning.data.sources import SOURCES

DEBIAN = Path("/usr/share/datasets/fashion-mnist")
NAMES = (
    "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat",
    "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot",
)  # fmt: skip


@SOURCES.register("fashion-mnist")
def fashion_mnist(data_dir: Path | None = None) -> RawData:
    """Read ``<data_dir>/FashionMNIST/raw``, or without `data_dir` what Debian installed.

    Debian's package ``dataset-fashion-mnist`` is used where it is; otherwise missing files
    are downloaded. Classes are the published names, sorted.
    """
    data = read_idx_data_set("fashion-mnist", "FashionMNIST", data_dir, installed=DEBIAN)
    labels, classes = encode(np.array(NAMES)[data.labels])
    return RawData(data.images, labels, classes, data.test_from)
