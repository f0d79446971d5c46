"""From the text after ``--data`` to a data set, or to one line that helps."""

from __future__ import annotations

import tarfile
from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_digits

from pruning.core.errors import RequestError
from pruning.data.load import load_splits
from pruning.data.splits import SPLIT_NAMES


def test_digits_are_scikit_learns_rescaled() -> None:
    splits = load_splits("digits", seed=0).splits
    held = np.concatenate([getattr(splits, name).images for name in SPLIT_NAMES])
    published = load_digits().images
    assert set(np.unique(held)) == {round(v * 255 / 16) for v in range(17)}
    assert sorted(held.sum(axis=(1, 2, 3))) == sorted(
        np.rint(published * 255 / 16).sum(axis=(1, 2)).astype(int)
    )


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ("digit", "unknown data set 'digit'; did you mean 'digits'?.*or the path of a folder"),
        ("./nowhere", r"data ./nowhere does not exist; allowed are a folder .* an \.npz"),
        ("nowhere.npz", "data nowhere.npz does not exist"),
    ],
)
def test_what_does_not_exist(data: str, message: str) -> None:
    with pytest.raises(RequestError, match=message) as error:
        load_splits(data)
    assert "\n" not in str(error.value)


def test_data_that_are_nearly_called_so_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "photos").mkdir()
    (tmp_path / "leaves.npz").touch()
    (tmp_path / "photo.txt").touch()
    asked = [
        ("photo", "photos"), ("./photo", "photos"), (str(tmp_path / "Photos"), "photos"),
        ("leafs.npz", "leaves.npz"),
    ]  # fmt: skip
    for data, there in asked:
        with pytest.raises(RequestError, match=rf"; there is \S*{there}\b"):
            load_splits(data)
    for data in ("zebra", "./zebra", str(tmp_path / "nowhere" / "photo")):
        with pytest.raises(RequestError) as error:
            load_splits(data)
        assert "there is" not in str(error.value)


def test_a_file_of_another_kind(tmp_path: Path) -> None:
    (tmp_path / "data.csv").write_text("1,2")
    with pytest.raises(RequestError, match=r"data\.csv is neither: allowed are a folder"):
        load_splits(str(tmp_path / "data.csv"))


def test_image_size_is_for_files() -> None:
    assert load_splits("digits", image_size=8).splits.input_shape == (1, 8, 8)
    with pytest.raises(RequestError, match=r"image size 32 .* digits has samples of .*\(1, 8, 8\)"):
        load_splits("digits", image_size=32)


def test_limit() -> None:
    sizes = load_splits("digits", limit=500).splits.sizes
    assert sum(sizes.values()) == 500


def test_real_mnist(shared_data: Path) -> None:
    splits = load_splits("mnist", data_dir=shared_data, seed=0).splits
    assert (len(splits.test), sum(splits.sizes.values())) == (10_000, 70_000)
    assert abs(len(splits.train) - 48_000) <= 5
    assert splits.input_shape == (1, 28, 28)
    assert splits.test.labels[:10].tolist() == [7, 2, 1, 0, 4, 1, 4, 9, 5, 9]
    rest = [splits.train, splits.val, splits.select]
    by_class = sum(np.bincount(split.labels) for split in rest)
    published = [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
    assert np.asarray(by_class).tolist() == published
    mean = np.concatenate([split.images for split in rest]).mean() / 255
    assert abs(mean - 0.1307) < 5e-5  # the figure everyone normalises MNIST with


@pytest.mark.slow
def test_real_cifar10_as_a_folder(shared_data: Path, tmp_path: Path) -> None:
    archive = shared_data / "cifar10-jpeg.tar.gz"
    if not archive.is_file():
        pytest.skip(f"no {archive}")
    with tarfile.open(archive) as tar:
        tar.extractall(tmp_path, filter="data")
    loaded = load_splits(str(tmp_path), seed=0)
    assert loaded.skipped == ()
    assert loaded.splits.sizes == {"train": 40_000, "val": 5_000, "select": 5_000, "test": 10_000}
    assert loaded.splits.input_shape == (3, 32, 32)
    for name in SPLIT_NAMES:
        counts = np.bincount(getattr(loaded.splits, name).labels)
        assert len(set(counts.tolist())) == 1  # ten classes, equally many
    mean = loaded.splits.train.images.mean(axis=(0, 2, 3)) / 255
    np.testing.assert_allclose(mean, (0.4914, 0.4822, 0.4465), atol=0.003)
