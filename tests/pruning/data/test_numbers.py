"""What distinguishes samples as they are given must distinguish them as networks see them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image

from pruning.data.load import load_splits
from pruning.data.splits import SPLIT_NAMES, Splits

RNG = np.random.default_rng(0)
Y = np.arange(200) % 2
PIXELS = RNG.integers(0, 1000, (200, 6, 5)) + 200 * Y[:, None, None]


def seen(splits: Splits) -> NDArray[np.float32]:
    """All parts as networks see them, in order."""
    parts = [splits.scaling(torch.from_numpy(getattr(splits, n).images)) for n in SPLIT_NAMES]
    return torch.cat(parts).numpy()


@pytest.mark.parametrize(
    ("factor", "constant"),
    [(1, 1.6e9), (1, 2.0**24), (1e-9, 1), (1e12, 1e15), (1e40, 0), (1e-40, 0), (-3, 5)],
)
def test_rows_in_other_units_are_the_same_to_networks(factor: float, constant: float) -> None:
    rows = np.round(RNG.normal(size=(200, 2)) * 8) + 3 * Y[:, None]
    plain, moved = (seen(Splits.from_arrays(x, Y)) for x in (rows, rows * abs(factor) + constant))
    np.testing.assert_allclose(moved, plain, atol=2e-5)
    assert len(np.unique(moved[:, 0])) == len(np.unique(plain[:, 0]))


@pytest.mark.parametrize("kind", [np.int64, np.uint32, np.float64])
def test_whole_numbers_above_2_to_the_24_stay_apart(kind: type) -> None:
    ids = (2**24 + np.stack([Y, RNG.integers(0, 2, 200)], 1)).astype(kind)
    splits = Splits.from_arrays(ids, Y)
    assert splits.notes == () or "feature" not in splits.notes[0]
    assert len(np.unique(seen(splits)[:, 0])) == 2


@pytest.mark.parametrize("top", [1e-3, 1, 255, 4095, 1e6])
def test_images_of_any_range_are_the_same_to_networks(top: float) -> None:
    wanted = seen(Splits.from_arrays(PIXELS.astype(np.uint16), Y))
    found = Splits.from_arrays(PIXELS / PIXELS.max() * top, Y)
    assert found.train.images.dtype == np.float32
    np.testing.assert_allclose(seen(found), wanted, atol=1e-5)
    assert len(np.unique(wanted)) == len(np.unique(PIXELS))


def test_eight_bits_stay_eight_bits_however_they_are_given() -> None:
    pixels = (PIXELS % 256).astype(np.uint8)
    forms = [pixels, pixels.astype(int), pixels / 255, (pixels / 255).astype(np.float16)]
    for form in (*forms, pixels.astype(np.float32) / 255):
        splits = Splits.from_arrays(form, Y)
        assert splits.train.images.dtype == np.uint8
        np.testing.assert_array_equal(seen(splits), seen(Splits.from_arrays(pixels, Y)))
    switched = Splits.from_arrays(pixels > 99, Y)
    assert np.unique(switched.train.images).tolist() == [0, 255]


@pytest.mark.parametrize("far", [2**60, -(2**60), 2**53])
def test_integers_that_float64_cannot_tell_apart_are_told(far: int) -> None:
    rows = np.column_stack([np.arange(200), np.arange(200) % 7 * 2 + far])
    splits = Splits.from_arrays(rows, Y)
    if far == 2**53:  # even ones it still holds
        assert splits.notes == ()
        return
    (note,) = splits.notes
    assert note.startswith("feature 1 has 7 distinct values, of which networks can tell 1 apart")


def test_values_that_become_equal_are_told() -> None:
    rows = np.column_stack([RNG.normal(size=200), RNG.normal(size=200)])
    rows[0] = 1e30, 1  # one value is so far away that the rest of its feature is one number
    for seed in range(9):
        splits = Splits.from_arrays(rows, Y, seed=seed)
        if any(abs(splits.train.images[:, 0]) > 1e3) or splits.scaling.reading.units:
            break
    (note,) = splits.notes
    assert note.startswith("feature 0 has 120 distinct values, of which networks can tell 2 apart")


def test_files_of_sixteen_bits_keep_them(tmp_path: Path) -> None:
    low = 1000 + RNG.integers(0, 200, (40, 6, 5))  # all in 5 of the upper 8 bits' steps
    for i, image in enumerate(low.astype(np.uint16)):
        folder = tmp_path / "photos" / ("cat", "dog")[i % 2]
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(folder / f"{i}.png")
    splits = load_splits(str(tmp_path / "photos")).splits
    assert splits.input_shape == (1, 6, 5)
    assert np.unique(splits.train.images).min() >= 1000
    train = splits.scaling(torch.from_numpy(splits.train.images))
    assert abs(train.mean()) < 1e-4 and abs(train.std() - 1) < 1e-2
    assert len(np.unique(seen(splits))) == len(np.unique(low))


def test_signals_and_many_channels_are_standardised_by_channel() -> None:
    signals = RNG.normal(size=(200, 12, 9)) * np.arange(1, 13)[:, None] + 100
    for X, axes in ((signals, "NCT"), (signals.transpose(0, 2, 1), "NTC")):
        splits = Splits.from_arrays(X, Y, axes=axes)
        assert splits.input_shape == (12, 9)
        train = splits.scaling(torch.from_numpy(splits.train.images))
        torch.testing.assert_close(train.mean((0, 2)), torch.zeros(12), atol=1e-5, rtol=0)
        torch.testing.assert_close(train.std((0, 2), correction=0), torch.ones(12))
    bands = RNG.integers(0, 4000, (200, 8, 8, 30))
    assert Splits.from_arrays(bands, Y, axes="NHWC").input_shape == (30, 8, 8)
    assert Splits.from_arrays(bands % 256, Y, axes="NCHW").train.images.dtype == np.uint8
