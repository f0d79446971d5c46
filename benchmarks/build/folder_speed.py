"""A folder of 224-pixel JPEGs: what reading costs, once and in every epoch, beside the training.

    python benchmarks/build/folder_speed.py [--images 1200] [--arch conv-c4] [--out FILE]

The JPEGs are cuts of the two photographs that scikit-learn ships, in two folders, at quality 90.
Measured, in one process with one thread and in images a second: decoding alone, as Pillow does
it; reading the folder as a build does, in memory and into the file that data beyond
`memory_limit` are mapped from; one epoch's input, augmented, from memory, from that file, and from
that file after the system was told to forget it; and an epoch of training. Beside them the
textbook: torchvision's `ImageFolder` and a `DataLoader`, which decode in every epoch. The
table's last column is each one's share of decoding alone.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from sklearn.datasets import load_sample_images
from torch.utils.data import DataLoader

from pruning.core.seeds import torch_generator
from pruning.core.torchvision_compat import import_torchvision
from pruning.data.load import load_splits
from pruning.data.splits import Splits
from pruning.networks import build_network
from pruning.training.augmenter import Augmenter
from pruning.training.device_data import DeviceData, Gatherer
from pruning.training.recipe import Recipe
from pruning.training.training_loop import Training, train

SIDE, BATCH, QUALITY = 224, 64, 90
Row = tuple[str, int, float]
"""What was done, with how many images, in how many seconds."""


def main() -> None:
    """Print a row for each as it is known, and write the table where one is asked for."""
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("--images", type=int, default=1200)
    parser.add_argument("--arch", default="conv-c4")
    parser.add_argument("--out", type=Path)
    asked = parser.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as work:
        rows = []
        for row in measured(Path(work), asked.images, asked.arch):
            rows.append(row)
            print(f"{row[0]:60} {row[1] / row[2]:8.0f} images/s", flush=True)
    if asked.out:
        command = f"python benchmarks/build/folder_speed.py --images {asked.images}"
        asked.out.write_text(table(rows, command), encoding="utf-8")


def measured(work: Path, images: int, arch: str) -> Iterator[Row]:
    """Yield what each way to read the folder takes."""
    folder = make_photos(work / "photos", images)
    paths = sorted(folder.rglob("*.jpg"))
    yield "decoding alone: Pillow", images, _timed(lambda: [_decoded(path) for path in paths])

    def read(memory_limit: int) -> Splits:
        cache = work / "cache"
        return load_splits(str(folder), cache_dir=cache, memory_limit=memory_limit).splits

    load_splits(str(folder), limit=40)  # what is imported and started once
    in_memory, seconds = _kept(lambda: read(2**40))
    yield "a build reads the folder, once, into memory", images, seconds
    mapped, seconds = _kept(lambda: read(0))
    yield "a build reads the folder, once, into a mapped file", images, seconds
    _, seconds = _kept(lambda: read(0))
    yield "… which is there already: the next build", images, seconds
    count = len(in_memory.train)
    for augment in ("none", "photo"):
        for name, splits in (("memory", in_memory), ("the mapped file", mapped)):
            take = _epoch_of_input(splits, augment)
            take()
            yield f"an epoch's input, {augment}, from {name}", count, _timed(take)
        take = _epoch_of_input(mapped, augment)
        _forget(work / "cache")
        yield f"an epoch's input, {augment}, from the file, read anew", count, _timed(take)
    _textbook_epoch(folder)
    yield "an epoch's input by ImageFolder and DataLoader", images, _textbook_epoch(folder)
    yield f"an epoch of training {arch}, photo, from memory", count, _training(in_memory, arch)
    yield f"an epoch of training {arch}, photo, from the file", count, _training(mapped, arch)


def make_photos(folder: Path, count: int) -> Path:
    """Write `count` JPEGs in two class folders."""
    rng = np.random.default_rng(0)
    for label, photo in enumerate(load_sample_images().images):
        (folder / str(label)).mkdir(parents=True)
        for number in range(count // 2):
            top, left = (rng.integers(side - SIDE + 1) for side in photo.shape[:2])
            cut = photo[top : top + SIDE, left : left + SIDE]
            image = Image.fromarray(np.ascontiguousarray(cut[:, :: rng.choice([1, -1])]))
            image.save(folder / str(label) / f"{number:05}.jpg", quality=QUALITY)
    return folder


def _decoded(path: Path) -> np.ndarray:
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB"))


def _epoch_of_input(splits: Splits, augment: str) -> Callable[[], None]:
    """Return what fetches each training sample once, in random order, as training does."""
    data = DeviceData.of(splits, "cpu")
    augmenter = Augmenter(augment, splits.input_shape)
    gather = Gatherer(data.train_images, splits.scaling, BATCH, augmenter)

    def take() -> None:
        rng = torch_generator(0, "batches")
        order = torch.randperm(len(data.train_labels), generator=rng)
        changes = augmenter.draw(len(order), rng)
        for start in range(0, len(order) - BATCH + 1, BATCH):
            rows = slice(start, start + BATCH)
            gather(order[rows], None if changes is None else changes[rows])

    return take


def _textbook_epoch(folder: Path) -> float:
    import_torchvision()
    from torchvision.datasets import ImageFolder
    from torchvision.transforms import v2

    transform = v2.Compose([
        v2.ToImage(), v2.RandomCrop(SIDE, padding=SIDE // 8, padding_mode="reflect"),
        v2.RandomHorizontalFlip(), v2.ToDtype(torch.float32, scale=True),
    ])  # fmt: skip
    loader = DataLoader(ImageFolder(str(folder), transform), BATCH, shuffle=True)
    return _timed(lambda: [len(labels) for _, labels in loader])


def _training(splits: Splits, arch: str) -> float:
    """Return the seconds of an epoch of training: those of two less those of one."""
    return _timed(_trained(splits, arch, 2)) - _timed(_trained(splits, arch, 1))


def _trained(splits: Splits, arch: str, epochs: int) -> Callable[[], object]:
    training = Training(
        DeviceData.of(splits, "cpu"), Recipe(max_epochs=epochs, augment="photo", warmup=0)
    )
    network = build_network(arch, len(splits.classes), splits.input_shape, seed=0)
    return lambda: train([network], [torch_generator(0, "batches")], training)


def _forget(folder: Path) -> None:
    """Ask the system to drop the files below from its page cache."""
    for path in folder.rglob("*.npy"):
        with path.open("rb") as file:
            os.fsync(file.fileno())
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def _timed(work: Callable[[], object]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def _kept(work: Callable[[], Splits]) -> tuple[Splits, float]:
    begun = time.perf_counter()
    return work(), time.perf_counter() - begun


def table(rows: list[Row], command: str) -> str:
    """Return the rows as Markdown."""
    alone = rows[0][1] / rows[0][2]
    lines = [
        "# A folder of 224-pixel JPEGs", "", f"`{command}`", "",
        "| one thread | images/s | of decoding alone |", "|---|--:|--:|",
        *(f"| {name} | {n / s:,.0f} | {n / s / alone:.2f} |" for name, n, s in rows),
    ]  # fmt: skip
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
