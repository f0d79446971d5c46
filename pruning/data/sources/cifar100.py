"""`cifar100`: 50,000 + 10,000 photographs of 32 × 32 in 100 classes."""

from __future__ import annotations

from pathlib import Path

from pruning.data.cifar import CifarLayout, read_cifar
from pruning.data.download import Archive
from pruning.data.raw import RawData
from pruning.data.sources import SOURCES

LAYOUT = CifarLayout(
    folder="cifar-100-binary",
    train=("train.bin",),
    test="test.bin",
    names="fine_label_names.txt",
    label_bytes=2,  # the coarse label, then the fine one
    archive=Archive(
        ("https://www.cs.toronto.edu/~kriz/cifar-100-binary.tar.gz",),
        md5="03b5dce01913d631647c71ecec9e9cb8",
    ),
    torchvision_class="CIFAR100",
    torchvision_folder="cifar-100-python",
)


@SOURCES.register("cifar100")
def cifar100(data_dir: Path | None = None) -> RawData:
    """Read ``<data_dir>/cifar-100-binary``, or torchvision's ``cifar-100-python``."""
    return read_cifar("cifar100", LAYOUT, data_dir)
