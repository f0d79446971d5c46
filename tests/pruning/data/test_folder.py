"""Folders of class folders, as users have them."""

from __future__ import annotations

import shutil
import unicodedata
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pruning.core.errors import RequestError
from pruning.data.load import load_splits
from pruning.data.loaded import Loaded
from pruning.data.splits import SPLIT_NAMES


def load(folder: Path, **options: object) -> Loaded:
    return load_splits(str(folder), **options)  # type: ignore[arg-type]


def test_classes_are_folder_names(photos: Path) -> None:
    splits = load(photos).splits
    assert splits.classes.tolist() == ["cat", "dog"]
    assert splits.classes.dtype.kind == "U"
    assert splits.input_shape == (3, 8, 8)
    assert splits.sizes == {"train": 24, "val": 4, "select": 6, "test": 6}
    for name in SPLIT_NAMES:
        split = getattr(splits, name)
        np.testing.assert_array_equal(split.images[:, 0, 0, 0] == 100, split.labels == 1)


def test_train_and_test_folders(photos: Path, tmp_path: Path, image_file) -> None:
    root = tmp_path / "cut"
    shutil.move(photos, root / "Train")
    without = load(root).splits
    assert without.sizes == {"train": 24, "val": 4, "select": 6, "test": 6}
    for name in ("cat", "dog"):
        image_file(root / "test" / name / "1.png", (9, 9, 9))
    given = load(root).splits
    assert given.sizes == {"train": 32, "val": 4, "select": 4, "test": 2}
    assert (given.test.images == 9).all()


def test_a_class_may_be_called_train(photos: Path) -> None:
    (photos / "dog").rename(photos / "train")
    assert load(photos).splits.classes.tolist() == ["cat", "train"]


def test_all_grey_has_one_channel_and_one_colour_image_makes_three(
    tmp_path: Path, image_file
) -> None:
    for name in ("a", "b"):
        for i in range(4):
            image_file(tmp_path / name / f"{i}.png", i, mode="L")
    assert load(tmp_path).splits.input_shape == (1, 8, 8)
    image_file(tmp_path / "a" / "colour.png", (1, 2, 3))
    assert load(tmp_path).splits.input_shape == (3, 8, 8)


def test_sizes(photos: Path, image_file) -> None:
    assert load(photos, image_size=5).splits.input_shape == (3, 5, 5)
    image_file(photos / "cat" / "wide.png", np.zeros((9, 30, 3), np.uint8))
    assert load(photos).splits.input_shape == (3, 64, 64)


@pytest.mark.parametrize("block", [7, 1024])  # rows are moved up by blocks
def test_unreadable_images_are_named_and_the_split_stays(
    photos: Path, monkeypatch: pytest.MonkeyPatch, block: int
) -> None:
    monkeypatch.setattr("pruning.data.image_files._BLOCK", block)
    whole = load(photos, seed=1).splits
    bad = photos / "cat" / "07.png"
    bad.write_bytes(bad.read_bytes()[:40])
    (photos / "dog" / "03.png").write_text("")
    loaded = load(photos, seed=1)
    assert [skipped.path for skipped in loaded.skipped] == [bad, photos / "dog" / "03.png"]
    assert all(skipped.reason for skipped in loaded.skipped)
    lost = {(0, 7), (100, 3)}  # the first two channels tell which image it is
    for name in SPLIT_NAMES:
        before, after = getattr(whole, name), getattr(loaded.splits, name)
        kept = [tuple(image[:2, 0, 0].tolist()) not in lost for image in before.images]
        np.testing.assert_array_equal(after.images, before.images[kept])
        np.testing.assert_array_equal(after.labels, before.labels[kept])


def test_limit_reads_only_so_many(photos: Path) -> None:
    (photos / "cat" / "00.png").write_text("")
    for seed in range(4):
        loaded = load(photos, limit=24, seed=seed)
        assert sum(loaded.splits.sizes.values()) + len(loaded.skipped) == 24


def files_of(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_large_data_go_through_a_memory_mapped_cache(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (photos / "cat" / "00.png").write_text("")
    cache = tmp_path / "cache"
    in_memory = load(photos)
    mapped = load(photos, cache_dir=cache, memory_limit=100)
    (entry,) = cache.iterdir()
    assert files_of(entry) == ["failed.json", "images.npy"]
    monkeypatch.setattr(
        "pruning.data.image_files.decode_images", None
    )  # a second time reads nothing
    again = load(photos, cache_dir=cache, memory_limit=100)
    for loaded in (mapped, again):
        assert loaded.skipped == in_memory.skipped
        for name in SPLIT_NAMES:
            images = getattr(loaded.splits, name).images
            assert isinstance(images, np.memmap)
            np.testing.assert_array_equal(images, getattr(in_memory.splits, name).images)
    again.splits.train.images[:] = 0  # does not reach the file
    assert load(photos, cache_dir=cache, memory_limit=100).splits.train.images.any()


def test_the_cache_sees_a_changed_file_and_holds_no_half_entry(
    photos: Path, tmp_path: Path, image_file, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = tmp_path / "cache"
    options = {"cache_dir": cache, "memory_limit": 100}
    load(photos, **options)
    image_file(photos / "cat" / "00.png", (250, 250, 250))
    changed = load(photos, **options).splits
    assert any((getattr(changed, name).images == 250).any() for name in SPLIT_NAMES)
    assert len(list(cache.iterdir())) == 2

    def stop(*args: object, **kwargs: object) -> dict[int, str]:
        raise KeyboardInterrupt

    monkeypatch.setattr("pruning.data.image_files.decode_images", stop)
    with pytest.raises(KeyboardInterrupt):
        load(photos, seed=1, **options)
    assert len(list(cache.iterdir())) == 2


def test_a_full_disk_is_told_before_writing(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil.disk_usage(tmp_path)._replace(free=10)
    monkeypatch.setattr("shutil.disk_usage", lambda _: usage)
    with pytest.raises(RequestError, match="GiB free; choose a smaller image size"):
        load(photos, cache_dir=tmp_path / "cache", memory_limit=100)


def expect(folder: Path, message: str, **options: object) -> None:
    with pytest.raises(RequestError, match=message) as error:
        load(folder, **options)
    assert "\n" not in str(error.value)


def test_bad_folders(photos: Path, tmp_path: Path, image_file) -> None:
    (tmp_path / "empty").mkdir()
    expect(tmp_path / "empty", "empty has no class folders with images; expected")
    expect(photos / "cat", "cat has no class folders with images")
    (photos / "eel").mkdir()
    expect(photos, "class 'eel' has 0 images; add some or remove its folder")
    image_file(photos / "eel" / "1.png")
    expect(photos, "class 'eel' has 1 sample to split; each class needs at least 4")
    shutil.rmtree(photos / "eel")
    shutil.rmtree(photos / "dog")
    expect(photos, "has one class, 'cat'; classification needs at least 2")
    image_file(photos / "cat" / "1.png")


def test_bad_parts(photos: Path, tmp_path: Path, image_file) -> None:
    root = tmp_path / "cut"
    shutil.move(photos, root / "train")
    image_file(root / "test" / "cow" / "1.png")
    expect(root, "class 'cow' is in the test part and not in train")
    shutil.move(root / "test" / "cow", root / "test" / "cat")
    expect(root, "class 'dog' has 0 samples in the given test part")
    shutil.copytree(root / "train", root / "valid")
    shutil.copytree(root / "train", root / "val")
    expect(root, "has val/ and valid/, both its val part; merge them or move one away")
    shutil.rmtree(root / "train")
    shutil.rmtree(root / "valid")
    expect(root, "is cut into test/, val/ and has no train/; allowed are train/ with or without")


def test_a_class_that_loses_its_readable_images(photos: Path) -> None:
    for path in sorted((photos / "dog").iterdir())[1:]:
        path.write_text("")
    expect(photos, "class 'dog' has no readable image left in .*19 files cannot be read")
    for path in photos.rglob("*.png"):
        path.write_text("")
    expect(photos, "none of 40 files can be read as an image")


def test_image_size_is_checked(photos: Path) -> None:
    expect(photos, "image size 0: allowed 1 and more", image_size=0)


def test_given_parts_and_groups_of_folders(tmp_path: Path, image_file) -> None:
    for part, count in (("train", 6), ("validation", 4), ("test", 2)):
        for name in ("cat", "dog"):
            for i in range(count):
                image_file(tmp_path / "cut" / part / name / f"{i}.png")
    splits = load(tmp_path / "cut").splits
    assert splits.sizes == {"train": 12, "val": 4, "select": 4, "test": 4}
    for i in range(40):
        image_file(tmp_path / "photos" / ("cat", "dog")[i % 2] / f"{i}.png")
    lines = [f"{('cat', 'dog')[i % 2]}/{i}.png,{i // 4}\n" for i in range(40)]
    (tmp_path / "groups.csv").write_text("".join(lines))
    assert (
        sum(load(tmp_path / "photos", groups=tmp_path / "groups.csv").splits.sizes.values()) == 40
    )
    (tmp_path / "groups.csv").write_text("".join(lines[1:]))
    expect(tmp_path / "photos", "1 of 40 images have none, such as cat/0.png; each needs a line",
           groups=tmp_path / "groups.csv")  # fmt: skip


def test_names_that_differ_in_how_accents_are_spelt_are_one_class(
    tmp_path: Path, image_file
) -> None:
    for part, form in (("train", "NFC"), ("test", "NFD")):
        for name in (unicodedata.normalize(form, "café"), "dog"):
            for i in range(6):
                image_file(tmp_path / part / name / f"{i}.png")
    assert load(tmp_path).splits.classes.tolist() == ["café", "dog"]


def test_wide_images_keep_their_sides_or_it_is_told(tmp_path: Path) -> None:
    """Spectrograms whose class stands in their last columns (a middle square holds nothing)."""
    for width in (240, 400):
        for i in range(20):
            pixels = np.zeros((32, width), np.uint8)
            pixels[:, -20:] = 200 * (i % 2)
            place = tmp_path / f"w{width}" / "ab"[i % 2]
            place.mkdir(parents=True, exist_ok=True)
            Image.fromarray(pixels).save(place / f"{i}.png")
        splits = load(tmp_path / f"w{width}").splits
        assert splits.input_shape == (1, 32, width)
        assert all("images of" not in note for note in splits.notes)
    for i in range(4):
        Image.fromarray(np.zeros((32, 300), np.uint8)).save(tmp_path / "w400" / "a" / f"n{i}.png")
    padded = load(tmp_path / "w400").splits
    assert padded.scaling.reading.fit == "pad" and padded.input_shape == (1, 64, 64)
    assert (
        "images of 32x300 to 32x400 are scaled and padded with black, to 64x64" in padded.notes[0]
    )
    cut = load(tmp_path / "w400", fit="cut").splits
    assert "cut at the sides, of which 8% of a typical image stays" in cut.notes[0]
    bright = [splits.train.images[splits.train.labels == 1].max() for splits in (padded, cut)]
    assert bright[0] > 100 and bright[1] == 0
