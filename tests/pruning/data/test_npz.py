"""Arrays in an ``.npz``: every layout that is taken, every slip that is told."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import ArrayLike, NDArray

from pruning.core.errors import RequestError
from pruning.data.load import load_splits
from pruning.data.splits import SPLIT_NAMES, Splits

IMAGES = np.random.default_rng(0).integers(0, 256, (40, 3, 6, 7), dtype=np.uint8)
ROWS = np.random.default_rng(1).normal((5, -3, 0), (2, 0.1, 9), (40, 3))
Y = np.arange(40) % 2


def load(path: Path, X: ArrayLike, y: ArrayLike = Y) -> Splits:
    np.savez(path / "data.npz", X=X, y=y)
    return load_splits(str(path / "data.npz"), seed=0).splits


def pixels(splits: Splits) -> list[bytes]:
    return sorted(x.tobytes() for name in SPLIT_NAMES for x in getattr(splits, name).images)


@pytest.mark.parametrize(
    ("X", "channels"),
    [
        (IMAGES, 3),
        (IMAGES.transpose(0, 2, 3, 1), 3),
        (IMAGES[:, 0], 1),
        (IMAGES[:, :1], 1),
        (IMAGES.transpose(0, 2, 3, 1)[..., :1], 1),
        (IMAGES.astype(np.int64), 3),
        (IMAGES / 255, 3),
        ((IMAGES / 255).astype(np.float32), 3),
    ],
)
def test_images_in_every_layout(tmp_path: Path, X: NDArray[np.generic], channels: int) -> None:
    splits = load(tmp_path, X)
    assert splits.input_shape == (channels, 6, 7)
    assert pixels(splits) == sorted(x.tobytes() for x in IMAGES[:, :channels])
    assert len(splits.scaling.scale) == channels


@pytest.mark.parametrize("y", [Y, Y.astype(np.uint8) * 9, np.array(["no", "yes"])[Y]])
def test_classes_keep_their_kind(tmp_path: Path, y: NDArray[np.generic]) -> None:
    splits = load(tmp_path, IMAGES, y)
    assert splits.classes.tolist() == np.unique(y).tolist()
    assert splits.classes.dtype == (np.int64 if y.dtype.kind in "iu" else "<U3")


def test_labels_stay_with_their_rows(tmp_path: Path) -> None:
    splits = load(tmp_path, np.arange(40.0)[:, None], np.array(["even", "odd"])[Y])
    for name in SPLIT_NAMES:
        split = getattr(splits, name)
        np.testing.assert_array_equal(split.images[:, 0] % 2, split.labels)


def test_feature_rows_are_scaled_by_what_train_has(tmp_path: Path) -> None:
    rows = np.column_stack([ROWS, np.full(40, 0.1), np.full(40, 1e-44)])
    splits = load(tmp_path, rows)
    assert splits.input_shape == (5,)
    assert splits.train.images.dtype == np.float32
    train = splits.train.images.astype(np.float64)
    np.testing.assert_allclose(splits.scaling.offset, train.mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(splits.scaling.scale[:3], train[:, :3].std(axis=0), rtol=1e-12)
    assert splits.scaling.scale[3:] == (1.0, 1.0)  # constant: nothing to scale by


def with_value(X: NDArray[np.float64], value: float) -> NDArray[np.float64]:
    changed = X.copy()
    changed.reshape(len(X), -1)[7, 1] = value
    return changed


@pytest.mark.parametrize(
    ("X", "y", "message"),
    [
        (with_value(ROWS, np.nan), Y, "1 of 40 samples of X hold NaN or infinity.*sample 7;"),
        (with_value(IMAGES / 255, np.inf), Y, "1 of 40 samples of X hold NaN or infinity"),
        (with_value(ROWS, 1e300), Y, r"X reaches 1e\+300; allowed up to 1e\+150"),
        (ROWS.astype(complex), Y, "X has type complex128"),
        (ROWS.astype(str), Y, "X has type <U"),
        (ROWS[:, 0], Y, r"X has shape \(40,\); allowed \(N, F\)"),
        (ROWS[:, :0], Y, r"X has shape \(40, 0\); allowed"),
        (IMAGES[:, :, None], Y, r"X has shape \(40, 3, 1, 6, 7\); allowed"),
        (IMAGES[..., :3], Y, r"in which either axis could be 1 to 4 channels"),
        (np.zeros((40, 6, 7, 9), np.uint8), Y, "in which neither axis could be"),
        (ROWS, Y[:39], r"X has shape \(40, 3\) and y \(39,\); allowed N samples"),
        (ROWS, np.eye(2)[Y], r"y \(40, 2\); allowed N samples and \(N,\) labels"),
        (ROWS[:0], Y[:0], r"X has shape \(0, 3\)"),
        (ROWS, Y / 2, "y has type float64; allowed integers"),
        (ROWS, Y.astype(bool), "y has type bool; allowed integers"),
        (ROWS, Y.astype(np.uint64) << 63, "y has type uint64; allowed integers"),
        (ROWS, Y * 0, "has one class, 0; classification needs at least 2"),
        (ROWS, np.array(["a", None] * 20, object), "it holds Python objects"),
    ],
)
def test_what_is_wrong_is_named(
    tmp_path: Path, X: NDArray[np.generic], y: NDArray[np.generic], message: str
) -> None:
    with pytest.raises(RequestError, match=message) as error:
        load(tmp_path, X, y)
    assert "\n" not in str(error.value)
    assert "data.npz" in str(error.value)


def save_npy(path: Path) -> None:
    with path.open("wb") as file:
        np.save(file, ROWS)


def test_files_that_are_no_npz_of_x_and_y(tmp_path: Path) -> None:
    path = tmp_path / "data.npz"
    slips = {
        "no array X; found Y, y": lambda: np.savez(path, Y=Y, y=Y),
        "no array X and no y; found images": lambda: np.savez(path, images=IMAGES),
        "cannot be read as an .npz": lambda: path.write_text("X, y"),
        "No data left in file": lambda: path.write_bytes(b""),
        "is a single array": lambda: save_npy(path),
        "cannot be read as": lambda: path.write_bytes(whole[: len(whole) // 2]),
    }
    np.savez_compressed(path, X=IMAGES, y=Y)
    whole = path.read_bytes()
    for message, write in slips.items():
        write()
        with pytest.raises(RequestError, match=message) as error:
            load_splits(str(path))
        assert "\n" not in str(error.value)


def test_a_damaged_array_is_told(tmp_path: Path) -> None:
    path = tmp_path / "data.npz"
    np.savez_compressed(path, X=IMAGES, y=Y)
    content = bytearray(path.read_bytes())
    content[400] ^= 0xFF
    path.write_bytes(content)
    with pytest.raises(RequestError, match="of plain arrays: "):
        load_splits(str(path))


def test_parts_that_are_given_are_kept(tmp_path: Path) -> None:
    parts = {"train": (0, 20), "val": (20, 28), "test": (28, 40)}
    spellings = [("x_{}", "y_{}"), ("{}_images", "{}_labels")]  # Keras, MedMNIST
    for x, y in spellings:
        arrays = {x.format(part): IMAGES[a:b] for part, (a, b) in parts.items()}
        arrays |= {y.format(part): Y[a:b][:, None] for part, (a, b) in parts.items()}
        np.savez(tmp_path / "data.npz", **arrays)
        splits = load_splits(str(tmp_path / "data.npz")).splits
        assert splits.sizes == {"train": 20, "val": 4, "select": 4, "test": 12}
        np.testing.assert_array_equal(splits.test.images, IMAGES[28:])
        held = {image.tobytes() for image in (*splits.val.images, *splits.select.images)}
        assert held == {image.tobytes() for image in IMAGES[20:28]}
        assert splits.notes == (
            "the given validation part is halved, for stopping and for choosing the team",
        )
        del arrays[x.format("test")]
        np.savez(tmp_path / "data.npz", **arrays)
        without = load_splits(str(tmp_path / "data.npz")).splits
        np.testing.assert_array_equal(without.test.images, IMAGES[20:28])
        assert without.notes == ("the given validation part is the test part, as none is given",)


def test_groups_of_a_file_stay_together(tmp_path: Path) -> None:
    groups = np.arange(40) // 2 % 10
    rows = np.arange(40.0)[:, None]
    np.savez(tmp_path / "data.npz", X=rows, y=Y, groups=groups)
    (tmp_path / "groups.txt").write_text("\n".join(f"patient {g}" for g in groups))
    inside = load_splits(str(tmp_path / "data.npz")).splits
    np.savez(tmp_path / "bare.npz", X=rows, y=Y)
    beside = load_splits(str(tmp_path / "bare.npz"), groups=tmp_path / "groups.txt").splits
    for splits in (inside, beside):
        met = [set(groups[getattr(splits, name).images[:, 0].astype(int)]) for name in SPLIT_NAMES]
        assert sum(map(len, met)) == len(set.union(*met)) == 10
    with pytest.raises(RequestError, match="would divide groups"):
        load_splits(str(tmp_path / "data.npz"), limit=20)


def test_samples_in_two_parts_are_counted(tmp_path: Path) -> None:
    arrays = {"x_train": ROWS[:20], "y_train": Y[:20], "x_test": ROWS[17:], "y_test": Y[17:]}
    np.savez(tmp_path / "data.npz", **arrays)
    lines = load_splits(str(tmp_path / "data.npz")).splits.repeated
    told = [int(note.split()[0]) for note in lines if " samples of test stand in " in note]
    assert sum(told) == 3


def _npy(shape: str) -> bytes:
    header = f"{{'descr': '<f8', 'fortran_order': False, 'shape': {shape}, }}".ljust(117) + "\n"
    return b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header.encode()


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        ("encrypted", "it is encrypted; save it without a password"),
        ("method", "compression"),
        ("29 TiB", "cannot be read as an .npz of plain arrays"),
        ("malformed", "cannot be read as an .npz of plain arrays"),
    ],
)
def test_files_that_are_damaged_or_odd_are_one_line(tmp_path: Path, spoil: str, said: str) -> None:
    path = tmp_path / "data.npz"
    shape = {"29 TiB": "(4000000000000,)", "malformed": "(1, "}.get(spoil, "(0,)")
    with zipfile.ZipFile(path, "w") as archive:
        for name in ("X.npy", "y.npy"):
            archive.writestr(name, _npy(shape))
    data = bytearray(path.read_bytes())
    for mark, at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        start = data.find(mark)
        while start >= 0:
            if spoil == "encrypted":
                data[start + at] |= 1
            if spoil == "method":
                data[start + at + 2] = 99
            start = data.find(mark, start + 1)
    path.write_bytes(data)
    with pytest.raises(RequestError, match=said) as error:
        load_splits(str(path))
    assert "\n" not in str(error.value) and "data.npz" in str(error.value)


def test_classes_that_no_file_can_hold_are_refused(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match=r"class 'caf\\udce9' is not UTF-8"):
        load(tmp_path, ROWS, np.array(["caf\udce9", "b"])[Y])
