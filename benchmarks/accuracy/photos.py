"""2,000 photos of six uneven classes, and 6,000 new ones to judge by, from CIFAR-10 as JPEG.

    python benchmarks/accuracy/photos.py CIFAR OUT

CIFAR holds ``train/<class>/`` and ``test/<class>/``. OUT gets ``train/<class>/`` and
``test/<class>/`` with the 6,000, the same pictures each time, as PNG: JPEG's losses are CIFAR's
own copy's.
"""

from __future__ import annotations

import random
import sys
from pathlib import Path

from PIL import Image

COUNTS = {"airplane": 500, "automobile": 450, "cat": 350, "dog": 300, "horse": 250, "ship": 150}


def make_photos(cifar: Path, out: Path) -> None:
    """Write both folders; what is there already stays."""
    draw = random.Random(1)
    for name, count in COUNTS.items():
        files = sorted((cifar / "train" / name).iterdir())
        draw.shuffle(files)
        _write(files[:count], out / "train" / name)
        _write(_all(cifar / "test" / name), out / "test" / name)


def make_new_photos(cifar: Path, out: Path, new: int = 500) -> None:
    """Write both folders, the second with so many further photos a class of the training part."""
    draw = random.Random(1)
    for name, count in COUNTS.items():
        files = sorted((cifar / "train" / name).iterdir())
        draw.shuffle(files)
        _write(files[:count], out / "train" / name)
        _write(files[count : count + new], out / "test" / name)


def _write(files: list[Path], folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for i, file in enumerate(files):
        target = folder / f"IMG_{i:04d}.png"
        if not target.exists():
            Image.open(file).convert("RGB").save(target)


def _all(folder: Path) -> list[Path]:
    return sorted(folder.iterdir())


if __name__ == "__main__":
    make_photos(Path(sys.argv[1]), Path(sys.argv[2]))
