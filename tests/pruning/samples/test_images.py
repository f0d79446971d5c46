"""One image file to one array: colour, size, orientation, and files that are none."""

from __future__ import annotations

import io
import warnings
from pathlib import Path
from typing import get_args

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from pruning.core.errors import RequestError
from pruning.samples.finding import find_images
from pruning.samples.images import (
    ImageHeader,
    Unreadable,
    decode_image,
    decode_images,
    read_headers,
)
from pruning.samples.reading import Fit

PIXELS = np.random.default_rng(0).integers(0, 256, (8, 8, 3), dtype=np.uint8)


def write(path: Path, pixels: NDArray[np.uint8] = PIXELS) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)
    return path


def test_an_image_of_the_size_keeps_its_pixels(tmp_path: Path) -> None:
    decoded = decode_image(write(tmp_path / "a.png", PIXELS), (3, 8, 8))
    np.testing.assert_array_equal(decoded, PIXELS.transpose(2, 0, 1))
    assert decoded.flags.c_contiguous


def test_grey_and_colour_become_each_other(tmp_path: Path) -> None:
    grey = write(tmp_path / "grey.png", PIXELS[..., 0])
    np.testing.assert_array_equal(decode_image(grey, (3, 8, 8)), np.stack([PIXELS[..., 0]] * 3))
    red = write(tmp_path / "red.png", np.full((8, 8, 3), (255, 0, 0), np.uint8))
    assert np.unique(decode_image(red, (1, 8, 8))).tolist() == [76]  # ITU-R 601: 0.299 × 255


def test_the_short_side_is_fitted_and_the_centre_kept(tmp_path: Path) -> None:
    wide = np.zeros((10, 30, 3), np.uint8)
    wide[:, 10:20] = 200
    path = write(tmp_path / "wide.png", wide)
    assert (decode_image(path, (3, 10, 10)) == 200).all()
    assert (decode_image(path, (3, 10, 30)) == wide.transpose(2, 0, 1)).all()


def test_a_huge_jpeg_decodes_to_what_a_small_one_shows(tmp_path: Path) -> None:
    ramp = np.linspace(0, 255, 1600).astype(np.uint8)
    photo = Image.fromarray(np.broadcast_to(ramp, (1200, 1600)).copy())
    photo.save(tmp_path / "photo.jpg", quality=95)
    expected = np.asarray(photo.crop((200, 0, 1400, 1200)).resize((32, 32)), int)
    decoded = decode_image(tmp_path / "photo.jpg", (1, 32, 32))[0].astype(int)
    assert np.abs(decoded - expected).max() <= 3


def test_a_jpeg_a_little_too_large_is_decoded_in_full(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (50, 50), dtype=np.uint8)
    Image.fromarray(noise).save(tmp_path / "noise.jpg")
    with Image.open(tmp_path / "noise.jpg") as image:
        expected = np.asarray(image.resize((16, 16), Image.Resampling.BICUBIC))
    np.testing.assert_array_equal(decode_image(tmp_path / "noise.jpg", (1, 16, 16))[0], expected)


@pytest.mark.parametrize("kind", ["jpg", "png", "tif"])
def test_exif_turns_the_image_upright(tmp_path: Path, kind: str) -> None:
    lying = np.zeros((16, 32, 3), np.uint8)
    lying[:, :16] = 255  # its left half is the top of the upright picture
    exif = Image.Exif()
    exif[0x0112] = 6
    path = tmp_path / f"turned.{kind}"
    Image.fromarray(lying).save(path, exif=exif)
    assert read_headers([path]) == [ImageHeader(32, 16, grey=False)]
    upright = decode_image(path, (3, 32, 16))
    assert upright[:, :15].min() > 240
    assert upright[:, 17:].max() < 15


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P"])
def test_transparency_is_laid_on_white(tmp_path: Path, mode: str) -> None:
    clear = Image.new("RGBA", (4, 4), (0, 0, 0, 0)).convert(mode)
    extra = {"transparency": 0} if mode == "P" else {}
    clear.save(tmp_path / "clear.png", **extra)
    assert (decode_image(tmp_path / "clear.png", (3, 4, 4)) == 255).all()
    assert (decode_image(tmp_path / "clear.png", (1, 4, 4)) == 255).all()


def test_sixteen_bits_keep_the_upper_eight(tmp_path: Path) -> None:
    deep = np.array([[0, 255, 256, 65535]], np.uint16)
    Image.fromarray(deep).save(tmp_path / "deep.png")
    assert read_headers([tmp_path / "deep.png"]) == [ImageHeader(1, 4, grey=True, deep=True)]
    assert decode_image(tmp_path / "deep.png", (1, 1, 4)).ravel().tolist() == [0, 0, 1, 255]


@pytest.mark.parametrize(
    ("save", "grey"),
    [("1", True), ("L", True), ("LA", True), ("RGB", False), ("RGBA", False), ("P", False)],
)
def test_the_header_tells_grey_from_colour(tmp_path: Path, save: str, grey: bool) -> None:
    Image.new(save, (5, 3)).save(tmp_path / "a.png")
    assert read_headers([tmp_path / "a.png"]) == [ImageHeader(3, 5, grey)]


def test_a_pillow_image_is_read_and_left_alone() -> None:
    image = Image.fromarray(PIXELS)
    np.testing.assert_array_equal(decode_image(image, (3, 8, 8)), PIXELS.transpose(2, 0, 1))
    np.testing.assert_array_equal(np.asarray(image), PIXELS)


def test_an_open_file_is_read_too() -> None:
    file = io.BytesIO()
    Image.fromarray(PIXELS).save(file, "png")
    np.testing.assert_array_equal(decode_image(file, (3, 8, 8)), PIXELS.transpose(2, 0, 1))


def broken(folder: Path) -> dict[str, Path]:
    whole = write(folder / "whole.jpg", PIXELS).read_bytes()
    (folder / "cut.jpg").write_bytes(whole[: len(whole) * 2 // 3])
    (folder / "text.jpg").write_text("not an image")
    (folder / "empty.png").write_bytes(b"")
    (folder / "folder.png").mkdir()
    Image.new("F", (4, 4)).save(folder / "float.tif")
    names = ("cut.jpg", "text.jpg", "empty.png", "folder.png", "float.tif", "absent.png")
    return {name: folder / name for name in names}


def test_what_is_no_image_is_named_with_a_reason(tmp_path: Path) -> None:
    for path in broken(tmp_path).values():
        with pytest.raises(RequestError) as error:
            decode_image(path, (3, 8, 8))
        assert str(error.value).startswith(f"{path} cannot be read as an image: ")
        assert "\n" not in str(error.value)


def test_failures_leave_their_rows_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.cpu_count", lambda: 3)
    monkeypatch.setattr("pruning.samples.images._BLOCK", 3)
    bad = list(broken(tmp_path).values())
    paths = [tmp_path / "whole.jpg", *bad, tmp_path / "whole.jpg"]
    for source_pixels in (64, 10**6):  # in one thread, and in several
        out = np.full((len(paths), 3, 8, 8), 7, np.uint8)
        failed = decode_images(paths, out, source_pixels=source_pixels)
        assert sorted(failed) == list(range(1, len(bad) + 1))
        assert (out[1:-1] == 7).all()
        np.testing.assert_array_equal(out[0], decode_image(paths[0], (3, 8, 8)))
        np.testing.assert_array_equal(out[0], out[-1])


@pytest.mark.parametrize("limit", [40, 25])  # Pillow warns above the limit, raises above twice
def test_a_decompression_bomb_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: int
) -> None:
    path = write(tmp_path / "bomb.png", PIXELS)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", limit)
    with warnings.catch_warnings():
        warnings.simplefilter("default")
        with pytest.raises(RequestError, match=r"bomb\.png .*64 pixels"):
            decode_image(path, (3, 8, 8))
        (header,) = read_headers([path])
    assert isinstance(header, Unreadable)


def test_few_bytes_of_many_pixels_are_refused_with_what_is_allowed(tmp_path: Path) -> None:
    path = tmp_path / "blank.png"
    Image.new("1", (2480, 3508)).save(path)
    with pytest.raises(RequestError, match="2480×3508 pixels; allowed are 4,194,304 pixels "):
        decode_image(path, (3, 8, 8))


def test_images_are_found_by_suffix_at_any_depth(tmp_path: Path) -> None:
    kept = [write(tmp_path / name) for name in ("b.PNG", "deep/er/a.jpeg", "z.bmp")]
    for name in (".hidden.png", ".cache/a.png", "__MACOSX/a.png"):
        write(tmp_path / name)
    (tmp_path / "notes.txt").write_text("")
    (tmp_path / "folder.png").mkdir()
    images, left_out = find_images(tmp_path)
    assert images == tuple(sorted(kept))
    assert [(entry.path.name, entry.expected) for entry in left_out] == [("notes.txt", True)]


def test_links_are_followed_and_what_leads_nowhere_is_named(tmp_path: Path) -> None:
    place = tmp_path / "folder"
    write(tmp_path / "real" / "a.png")
    place.mkdir()
    (place / "linked").symlink_to(tmp_path / "real")
    (place / "file.png").symlink_to(tmp_path / "real" / "a.png")
    (place / "nowhere.png").symlink_to(tmp_path / "gone.png")
    (place / "round").symlink_to(place)
    images, left_out = find_images(place)
    assert images == (place / "file.png", place / "linked" / "a.png")
    assert {(entry.path.name, entry.reason) for entry in left_out} == {
        ("nowhere.png", "is a link to nothing"),
        ("round", "is a link to a folder that it is in"),
    }


@pytest.mark.parametrize("suffix", [".jfif", ".jpe", ".pjpeg", ".JPG"])
def test_every_name_of_a_jpeg_is_an_image(tmp_path: Path, suffix: str) -> None:
    Image.fromarray(PIXELS).save(tmp_path / f"a{suffix}", "JPEG")
    assert len(find_images(tmp_path)[0]) == 1


def test_sixteen_bits_keep_their_values_and_eight_are_spread(tmp_path: Path) -> None:
    values = np.arange(64, dtype=np.uint16).reshape(8, 8) + 1000
    Image.fromarray(values).save(tmp_path / "deep.png")
    (header,) = read_headers([tmp_path / "deep.png"])
    assert isinstance(header, ImageHeader) and header.deep and header.grey
    deep = decode_image(tmp_path / "deep.png", (1, 8, 8), deep=True)
    assert deep.dtype == np.float32
    np.testing.assert_array_equal(deep[0], values)
    shallow = decode_image(write(tmp_path / "a.png"), (3, 8, 8), deep=True)
    np.testing.assert_array_equal(shallow, PIXELS.transpose(2, 0, 1).astype(np.float32) * 257)


def test_the_ways_to_another_shape_by_hand(tmp_path: Path) -> None:
    wide = np.zeros((4, 8), np.uint8)
    wide[:, 6:] = 200  # the right quarter is bright
    Image.fromarray(wide).save(tmp_path / "wide.png")
    done = {fit: decode_image(tmp_path / "wide.png", (1, 4, 4), fit)[0] for fit in get_args(Fit)}
    assert (done["cut"] == 0).all(), "the middle: the bright quarter is cut off"
    assert (done["stretch"][:, 3] > 150).all() and (done["stretch"][:, :2] < 20).all()
    assert (done["pad"][[0, 3]] == 0).all() and (done["pad"][1:3, 3] > 150).all()
