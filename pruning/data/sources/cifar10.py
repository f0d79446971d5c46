"""`cifar10`: 50,000 + 10,000 photographs of 32 × 32 in 10 classes."""

from __future__ import annotations

from pathlib import Path

from pruning.data.cifar import CifarLayout, read_cifar
from pruning.data.download import Archive
from pruning.data.raw import RawData
from pruning.data.sources import SOURCES

LAYOUT = CifarLayout(
    folder="cifar-10-batches-bin",
    train=tuple(f"data_batch_{i}.bin" for i in range(1, 6)),
    test="test_batch.bin",
    names="batches.meta.txt",
    label_bytes=1,
    archive=Archive(
        ("https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz",),
        md5="c32a1d4ab5d03f1284b67883e8d87530",
    ),
    torchvision_class="CIFAR10",
    torchvision_folder="cifar-10-batches-py",
)


@SOURCES.register("cifar10")
def cifar10(data_dir: Path | None = None) -> RawData:
    """Read ``<data_dir>/cifar-10-batches-bin``, or torchvision's ``cifar-10-batches-py``."""
    return read_cifar("cifar10", LAYOUT, data_dir)
