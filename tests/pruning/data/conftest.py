"""Miniatures of the published data sets, in their own formats."""

from __future__ import annotations

import gzip
import os
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

Build = Callable[[Path], Path]
Builders = Mapping[str, Build]
WriteImage = Callable[..., Path]
Bytes = NDArray[np.uint8]

PER_CLASS = 20


def _noise(*shape: int) -> Bytes:
    return np.random.default_rng(sum(shape)).integers(0, 256, shape, dtype=np.uint8)


def _cycle(count: int, classes: int) -> Bytes:
    return np.resize(np.arange(classes, dtype=np.uint8), count)


def _write_idx(path: Path, array: Bytes) -> None:
    header = bytes((0, 0, 8, array.ndim)) + np.array(array.shape, ">u4").tobytes()
    content = header + array.tobytes()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)


def idx_folder(folder: Path, suffix: str = "") -> Path:
    for prefix, count in (("train", 10 * PER_CLASS), ("t10k", 30)):
        _write_idx(folder / f"{prefix}-images-idx3-ubyte{suffix}", _noise(count, 6, 6))
        _write_idx(folder / f"{prefix}-labels-idx1-ubyte{suffix}", _cycle(count, 10))
    return folder


def _idx(name: str) -> Build:
    def build(root: Path) -> Path:
        idx_folder(root / name / "raw")
        return root

    return build


def cifar10_folder(root: Path) -> Path:
    folder = root / "cifar-10-batches-bin"
    folder.mkdir(parents=True)
    for file in ("test_batch", *(f"data_batch_{i}" for i in range(1, 6))):
        records = np.concatenate([_cycle(40, 10)[:, None], _noise(40, 3072)], axis=1)
        records[:, 1] = sum(file.encode()) % 256
        (folder / f"{file}.bin").write_bytes(records.tobytes())
    names = "airplane automobile bird cat deer dog frog horse ship truck"
    (folder / "batches.meta.txt").write_text("\n".join([*names.split(), "", ""]))
    return root


def cifar100_folder(root: Path) -> Path:
    folder = root / "cifar-100-binary"
    folder.mkdir(parents=True)
    for file, count in (("train", 1000), ("test", 100)):
        fine = _cycle(count, 100)[:, None]
        records = np.concatenate([fine // 5, fine, _noise(count, 3072)], axis=1)
        (folder / f"{file}.bin").write_bytes(records.tobytes())
    # published order is alphabetical too; reversed here, so that the order is put to the test
    (folder / "fine_label_names.txt").write_text("\n".join(f"c{i:02d}" for i in range(99, -1, -1)))
    return root


def write_image(path: Path, values: object = 0, size: int = 8, mode: str = "RGB") -> Path:
    """Write an image of one colour, or of the given pixels."""
    path.parent.mkdir(parents=True, exist_ok=True)
    image = (
        Image.fromarray(values)
        if isinstance(values, np.ndarray)
        else Image.new(mode, (size, size), values)  # type: ignore[arg-type]
    )
    image.save(path)
    return path


def tiny_imagenet_folder(root: Path) -> Path:
    folder = root / "tiny-imagenet-200"
    lines = []
    for c, wnid in enumerate(("n02124075", "n01443537", "n04067472")):
        for i in range(PER_CLASS):
            write_image(folder / "train" / wnid / "images" / f"{wnid}_{i}.JPEG", (c * 80, i, 0), 64)
        (folder / "train" / wnid / f"{wnid}_boxes.txt").write_text("not an image")
        for i in range(2):
            name = f"val_{c * 2 + i}.JPEG"
            write_image(folder / "val" / "images" / name, (c * 80, 100 + i, 0), 64)
            lines.append(f"{name}\t{wnid}\t0\t32\t44\t62\n")
    (folder / "val" / "val_annotations.txt").write_text("".join(lines))
    write_image(folder / "test" / "images" / "test_0.JPEG", 0, 64)
    return root


@pytest.fixture(scope="session")
def miniatures() -> Builders:
    """Data set → what writes a miniature of it into a folder and returns its data_dir."""
    return {
        "mnist": _idx("MNIST"),
        "fashion-mnist": _idx("FashionMNIST"),
        "cifar10": cifar10_folder,
        "cifar100": cifar100_folder,
        "tiny-imagenet": tiny_imagenet_folder,
    }


@pytest.fixture
def write_idx() -> Callable[[Path, Bytes], None]:
    return _write_idx


@pytest.fixture
def image_file() -> WriteImage:
    return write_image


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Two classes of 20 images of 8 × 8, each of its own colour."""
    for c, name in enumerate(("cat", "dog")):
        for i in range(PER_CLASS):
            write_image(tmp_path / "photos" / name / f"{i:02d}.png", (c * 100, i, 0))
    return tmp_path / "photos"


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The real files: ``ENSEMBLE_DATA``, or ``../shared/data`` beside the repository."""
    default = Path(__file__).parents[3].parent / "shared" / "data"
    folder = Path(os.environ.get("ENSEMBLE_DATA", default))
    if not folder.is_dir():
        pytest.skip(f"no {folder}; name the real data with ENSEMBLE_DATA")
    return folder
