from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from ensemble.reading.inputs import as_samples, batches
from pruning.core.errors import RequestError
from pruning.samples.images import decode_image

GREY, RGB = (1, 4, 5), (3, 4, 5)


def read(given: object, shape: tuple[int, ...], size: int = 3) -> np.ndarray:
    return np.concatenate(list(batches(given, shape, size)))


def noise(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)


@pytest.mark.parametrize("shape", [GREY, RGB])
def test_every_layout_of_the_same_images_is_the_same(shape: tuple[int, ...]) -> None:
    x = noise(7, *shape)
    last = x.transpose(0, 2, 3, 1)
    forms = [x, last, x.astype(np.int64), x / 255, (x / 255).astype(np.float32),
             torch.from_numpy(x), torch.from_numpy(x).float() / 255, x.tolist(),
             list(x), list(last), iter(x)]  # fmt: skip
    if shape == GREY:
        forms += [x[:, 0], list(x[:, 0])]
    for form in forms:
        got = read(form, shape)
        assert got.dtype == np.uint8 and got.flags.c_contiguous
        np.testing.assert_array_equal(got, x)


def test_grey_images_feed_a_colour_ensemble() -> None:
    x = noise(2, 4, 5)
    np.testing.assert_array_equal(read(x, RGB), np.stack([x] * 3, axis=1))


def test_an_array_that_is_one_colour_image_or_three_grey_ones_is_asked_about() -> None:
    image = np.zeros((3, 8, 8), np.uint8)
    with pytest.raises(RequestError, match=r"say which: X\[None\] is one image"):
        list(batches(image, (3, 8, 8), 9))
    assert [len(b) for b in batches(image[None], (3, 8, 8), 9)] == [1]
    assert [b.shape for b in batches(image[:, None], (3, 8, 8), 9)] == [(3, 3, 8, 8)]
    assert [len(b) for b in batches(np.zeros((4, 8, 8), np.uint8), (3, 8, 8), 9)] == [4]


def test_pictures_and_paths_are_decoded_as_in_training(tmp_path: Path) -> None:
    picture = Image.fromarray(noise(9, 16, 3))
    picture.save(tmp_path / "a.png")
    wanted = decode_image(tmp_path / "a.png", GREY)[None]
    for form in (picture, [picture], tmp_path / "a.png", str(tmp_path / "a.png")):
        np.testing.assert_array_equal(read(form, GREY), wanted)
    mixed = read([picture, wanted[0], wanted[0, 0]], GREY)
    np.testing.assert_array_equal(mixed, np.concatenate([wanted] * 3))


def test_an_iterable_is_read_a_batch_at_a_time() -> None:
    taken = []

    def source() -> object:
        for i in range(100):
            taken.append(i)
            yield np.zeros((4, 5), np.uint8)

    first = next(batches(source(), GREY, 8))
    assert len(first) == 8 and len(taken) == 8


def test_nothing_in_nothing_out() -> None:
    assert list(batches([], GREY, 4)) == []
    assert list(batches(np.empty((0, 4, 5), np.uint8), GREY, 4)) == []


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (np.full((2, 4, 5), 16.0), "from 16 to 16; expected 0 to 1.*X / 16"),
        (np.full((2, 4, 5), -0.1), "expected 0 to 1"),
        (np.full((2, 4, 5), np.nan), "nan"),
        (np.full((2, 4, 5), np.inf), "inf"),
        (np.full((2, 4, 5), 256), "expected 0 to 255"),
        (np.ones((2, 4, 5), complex), "complex|type"),
        (np.array([["a"]]), "expected arrays"),
        (noise(4, 5), r"X\[None\]"),
        (noise(2, 5, 4), "expected"),
        (noise(2, 4, 5, 3), "resize"),
        (noise(2, 1, 4, 5, 1), "expected"),
        (np.float32(3), "expected"),
        ([[1, 2], [3]], "differ in shape|expected"),
        ([None], "NoneType"),
        ([{"a": 1}], "dict"),
        (["/no/such.png"], "/no/such.png"),
    ],
)
def test_what_is_no_image_is_refused_in_one_line(given: object, said: str) -> None:
    with pytest.raises(RequestError, match=said) as caught:
        read(given, GREY)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("given", "shape"),
    [((700, 7, 8), (1, 8, 8)), ((700, 3, 8, 9), (3, 8, 8)), ((700, 63), (1, 8, 8)),
     ((700, 5), (4,)), ((700, 2, 9), (2, 8))],
)  # fmt: skip
def test_a_wrong_shape_is_told_as_it_was_given(
    given: tuple[int, ...], shape: tuple[int, ...]
) -> None:
    with pytest.raises(RequestError, match=re.escape(f"of shape {given}; expected ")):
        next(batches(np.zeros(given, np.uint8), shape, 256))


def test_rows_become_float32_and_are_checked() -> None:
    rows = as_samples(np.arange(6).reshape(2, 3), (3,))
    assert rows.dtype == np.float32 and rows.tolist() == [[0, 1, 2], [3, 4, 5]]
    for bad in (np.ones((2, 4)), np.full((2, 3), np.nan), np.full((2, 3), np.nan), np.ones(3)):
        with pytest.raises(RequestError):
            read(bad, (3,))
    with pytest.raises(RequestError, match="features"):
        read(Image.new("L", (3, 3)), (3,))
