"""Files of data sets, made for tests."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest
from miniatures import PER_CLASS, Bytes, Write, find_miniatures
from miniatures import write_idx as write_idx_file
from PIL import Image

WriteImage = Callable[..., Path]


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


@pytest.fixture(scope="session")
def miniatures() -> Mapping[str, Write]:
    """Data set → what writes a miniature of it into a folder and returns its data_dir."""
    return find_miniatures()


@pytest.fixture
def write_idx() -> Callable[[Path, Bytes], None]:
    return write_idx_file


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
