"""`digits`: 1,797 handwritten digits of 8 × 8, shipped with scikit-learn."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from pruning.data.raw import RawData, encode
from pruning.data.sources import SOURCES


@SOURCES.register("digits")
def digits(data_dir: Path | None = None) -> RawData:
    """Return the digits, rescaled from 0..16 to 0..255; `data_dir` is not used."""
    from sklearn.datasets import load_digits

    bunch = load_digits()
    images = np.rint(bunch.images * (255 / 16)).astype(np.uint8)[:, None]
    labels, classes = encode(bunch.target.astype(np.int64))
    return RawData(images, labels, classes)
