"""Arrays of a notebook become splits: cut here, or given in parts."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from numpy.typing import NDArray

from pruning.core.errors import RequestError
from pruning.data.splits import SPLIT_NAMES, FewSamplesWarning, Splits
from pruning.samples.scaling import Scaling

IMAGES = np.random.default_rng(0).integers(0, 256, (60, 3, 6, 7), dtype=np.uint8)
ROWS = np.arange(60.0)[:, None] * [1, 2]
Y = np.arange(60) % 3
NAMES = np.array(["cat", "dog", "owl"])[Y]


def _rows(splits: Splits) -> dict[str, list[int]]:
    """Which of `ROWS` stand in each part."""
    return {name: getattr(splits, name).images[:, 0].astype(int).tolist() for name in SPLIT_NAMES}


@pytest.mark.parametrize(
    ("X", "channels"),
    [
        (IMAGES, 3),
        (IMAGES.transpose(0, 2, 3, 1), 3),
        (IMAGES[:, 0], 1),
        (IMAGES / 255, 3),
        (torch.tensor(IMAGES), 3),
        (torch.tensor(IMAGES) / 255, 3),
        (IMAGES.tolist(), 3),
    ],
)
@pytest.mark.parametrize("y", [Y, NAMES, NAMES.tolist(), pd.Series(NAMES), torch.tensor(Y)])
def test_images_and_labels_in_every_form(X: Any, y: Any, channels: int) -> None:
    splits = Splits.from_arrays(X, y)
    assert splits.sizes == {"train": 36, "val": 6, "select": 9, "test": 9}
    assert splits.input_shape == (channels, 6, 7) and len(splits.scaling.scale) == channels
    classes = np.unique(np.asarray(y))
    assert splits.classes.tolist() == classes.tolist()
    assert splits.classes.dtype.kind in "iU"
    known = {image.tobytes(): label for image, label in zip(IMAGES[:, :channels], Y, strict=True)}
    for name in SPLIT_NAMES:
        part = getattr(splits, name)
        assert np.bincount(part.labels).tolist() == [len(part) // 3] * 3, "stratified"
        assert [known[image.tobytes()] for image in part.images] == part.labels.tolist()


def test_every_sample_stands_in_one_part_and_the_seed_says_in_which() -> None:
    first, again, other = (_rows(Splits.from_arrays(ROWS, Y, seed=s)) for s in (0, 0, 1))
    assert first == again and first != other
    assert sorted(i for rows in first.values() for i in rows) == list(range(60))


def test_feature_rows_are_standardised_by_train() -> None:
    splits = Splits.from_arrays(pd.DataFrame(ROWS), Y)
    assert splits.input_shape == (2,) and splits.train.images.dtype == np.float32
    seen = splits.scaling(torch.tensor(splits.train.images))
    torch.testing.assert_close(seen.mean(0), torch.zeros(2), atol=1e-6, rtol=0)
    torch.testing.assert_close(seen.std(0, correction=0), torch.ones(2))


def test_colours_are_standardised_by_train_and_greys_are_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("pruning.data.storing.IMAGES_AT_ONCE", 7)
    tinted = np.clip(IMAGES * np.array([1.0, 0.5, 0.1])[:, None, None], 0, 255).astype(np.uint8)
    splits = Splits.from_arrays(tinted, Y)
    seen = splits.scaling(torch.tensor(splits.train.images)).double()
    torch.testing.assert_close(seen.mean((0, 2, 3)), torch.zeros(3).double(), atol=1e-5, rtol=0)
    torch.testing.assert_close(seen.std((0, 2, 3), correction=0), torch.ones(3).double())
    assert Splits.from_arrays(IMAGES[:, 0], Y).scaling == Scaling((0.0,), (255.0,))
    flat = Splits.from_arrays(np.where(np.arange(3) == 1, IMAGES.transpose(0, 2, 3, 1), 9), Y)
    assert flat.scaling.scale[0] == flat.scaling.scale[2] == 1.0
    assert not flat.scaling(torch.tensor(flat.val.images))[:, 0].any()


def test_many_images_are_measured_by_some(monkeypatch: pytest.MonkeyPatch) -> None:
    every = Splits.from_arrays(IMAGES, Y).scaling
    monkeypatch.setattr("pruning.data.storing.MOST_IMAGES", 12)
    some = Splits.from_arrays(IMAGES, Y)
    few = some.train.images[np.linspace(0, 35, 12).astype(int)]
    np.testing.assert_allclose(some.scaling.offset, few.mean((0, 2, 3)))
    assert every != some.scaling


def test_a_test_part_of_ones_own_is_kept_as_it_is() -> None:
    splits = Splits.from_arrays(ROWS[:50], NAMES[:50], test=(ROWS[50:], NAMES[50:]))
    assert _rows(splits)["test"] == list(range(50, 60))
    assert splits.sizes["train"] in (39, 40, 41)  # 80 % of 17, 17 and 16


def test_parts_of_ones_own_are_kept_as_they_are() -> None:
    ends = {"train": (0, 30), "val": (30, 40), "select": (40, 50), "test": (50, 60)}
    given = {name: (ROWS[a:b], NAMES[a:b]) for name, (a, b) in ends.items()}
    splits = Splits.from_parts(**given)
    assert _rows(splits) == {name: list(range(a, b)) for name, (a, b) in ends.items()}
    for name, (a, b) in ends.items():
        assert splits.classes[getattr(splits, name).labels].tolist() == NAMES[a:b].tolist()
    np.testing.assert_allclose(splits.scaling.offset, ROWS[:30].mean(0))


def test_of_fewer_than_ten_of_a_class_none_are_held_out_if_asked() -> None:
    few = np.sort(np.argsort(Y, kind="stable")[:49])  # 20, 20 and 9
    X, y = ROWS[few], Y[few]
    with pytest.warns(FewSamplesWarning, match="a class has 9 samples; below 10 none are held"):
        shared = Splits.from_arrays(X, y, share_few=True)
    assert set(shared.sizes.values()) == {49}
    with pytest.warns(FewSamplesWarning):
        beside = Splits.from_arrays(X, y, test=(ROWS[:3], Y[:3]), share_few=True)
    assert beside.sizes == {"train": 49, "val": 49, "select": 49, "test": 3}
    assert _rows(beside)["test"] == [0, 1, 2]
    assert sum(Splits.from_arrays(X, y).sizes.values()) == 49, "unasked, the parts are disjoint"
    with pytest.raises(RequestError, match="class 2 is in test and not in train"):
        Splits.from_arrays(X[y < 2], y[y < 2], test=(ROWS[:3], Y[:3]), share_few=True)
    enough = Splits.from_arrays(ROWS, Y, share_few=True)  # 20 of each
    assert _rows(enough) == _rows(Splits.from_arrays(ROWS, Y))
    ten = np.argsort(Y, kind="stable")[:50]
    assert sum(Splits.from_arrays(ROWS[ten], Y[ten], share_few=True).sizes.values()) == 50


@pytest.mark.parametrize("with_test", [False, True])
@pytest.mark.parametrize("kind", [np.int64, np.str_])
def test_groups_stay_together(with_test: bool, kind: type) -> None:
    rng = np.random.default_rng(3)
    rows, labels = np.arange(600.0)[:, None], rng.integers(0, 3, 600)
    groups = rng.integers(0, 90, 600).astype(kind)
    test = (np.arange(600.0, 630)[:, None], np.arange(30) % 3) if with_test else None
    splits = Splits.from_arrays(rows, labels, groups=groups, test=test, seed=5)
    parts = _rows(splits)
    met = {name: set(groups[rows]) for name, rows in parts.items() if rows[0] < 600}
    assert sum(map(len, met.values())) == len(set.union(*met.values())), "a group in two parts"
    assert sorted(i for rows in parts.values() for i in rows) == list(
        range(630 if with_test else 600)
    )
    shares = (0.8, 0.1, 0.1) if with_test else (0.6, 0.1, 0.15, 0.15)
    for share, name in zip(shares, met, strict=True):
        counts = np.bincount(labels[parts[name]], minlength=3)
        np.testing.assert_allclose(counts / np.bincount(labels), share, atol=0.04)
    again = _rows(Splits.from_arrays(rows, labels, groups=groups, test=test, seed=5))
    assert again == parts
    assert _rows(Splits.from_arrays(rows, labels, groups=groups, test=test, seed=6)) != parts


def test_groups_as_large_as_the_parts_are_dealt_out_exactly() -> None:
    groups = np.repeat(["a", "b", "c", "d"], [36, 6, 9, 9])
    order = np.concatenate([np.arange(n) % 3 for n in (36, 6, 9, 9)])
    splits = Splits.from_arrays(ROWS, order, groups=groups)
    assert splits.sizes == {"train": 36, "val": 6, "select": 9, "test": 9}


CUDA_LIKE = type("CudaLike", (), {"__array__": lambda *_: (_ for _ in ()).throw(TypeError("no"))})


@pytest.mark.parametrize(
    ("X", "y", "more", "message"),
    [
        ([[1], [2, 3]], [0, 1], {}, "^X cannot be read as an array: "),
        (CUDA_LIKE(), [0, 1], {}, "^X cannot be read as an array: no"),
        (torch.zeros(4, 2, requires_grad=True), Y[:4], {}, "^X cannot be read as an array: Can't"),
        (np.ma.masked_greater(ROWS, 9), Y, {}, "^X has masked values; fill them in"),
        (ROWS * 1e200, Y, {}, r"^X reaches 1.18e\+202; allowed up to 1e\+150"),
        (ROWS, Y[:9], {}, r"^X has shape \(60, 2\) and y \(9,\)"),
        (ROWS, Y * 0.5, {}, r"^y has type float64; allowed .* or strings, such as y.astype.str"),
        (ROWS, Y * 1.0, {}, r"^y has type float64; allowed .* or strings, such as y.astype.int"),
        (ROWS, Y > 0, {}, r"^y has type bool; allowed .* or strings, such as y.astype.str"),
        (ROWS, np.array([None, "a"] * 30), {}, "^y has type object"),
        (ROWS, Y * 0, {}, "^y has one class, 0; classification needs at least 2"),
        (ROWS, Y, {"test": (ROWS, Y + 1)}, "^class 3 is in test and not in train"),
        (ROWS, Y, {"test": (ROWS, NAMES)}, "^labels of test are strings, of train integers"),
        (ROWS, Y, {"test": (IMAGES, Y)}, r"^test has samples of shape \(3, 6, 7\), train of"),
        (ROWS, Y, {"test": (ROWS * np.nan, Y)}, "^test: 60 of 60 samples of X hold NaN"),
        (ROWS, Y, {"test": (ROWS[:3], Y[:3] * 0)}, "^class 1 has 0 samples in the given test"),
        (ROWS, Y, {"groups": Y[:9]}, r"^groups have shape \(9,\) and type int64; allowed \(60,\)"),
        (ROWS, Y, {"groups": Y / 2}, r"^groups have shape \(60,\) and type float64"),
        (ROWS, Y, {"groups": Y}, "^class 0 stands in 1 groups, of which no way"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_in_a_line(
    X: Any, y: Any, more: dict[str, Any], message: str
) -> None:
    with pytest.raises(RequestError, match=message) as error:
        Splits.from_arrays(X, y, **more)
    assert "\n" not in str(error.value)


def test_a_part_without_a_class_is_refused() -> None:
    whole: tuple[NDArray[np.float64], NDArray[np.int64]] = (ROWS, Y)
    with pytest.raises(RequestError, match="class 2 has 0 samples in select"):
        Splits.from_parts(train=whole, val=whole, select=(ROWS[:2], Y[:2]), test=whole)


def test_splits_say_what_they_hold_and_not_all_of_it() -> None:
    splits = Splits.from_arrays(np.random.default_rng(0).random((300, 4)), np.arange(300) % 3)
    assert len(repr(splits)) < 150
    assert "3 classes" in repr(splits)
