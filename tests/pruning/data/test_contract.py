"""What holds of every registered data set; a new one is tested unasked."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest

from pruning.core.errors import RequestError
from pruning.data.load import load_splits
from pruning.data.raw import RawData
from pruning.data.sources import SOURCES
from pruning.data.splits import SPLIT_NAMES, Splits
from pruning.data.stratify import SHARES, SHARES_BESIDE_TEST
from pruning.samples.images import decode_image

SETTINGS = sorted(SOURCES.names())


@pytest.fixture(scope="module", params=SETTINGS)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def data_dir(name: str, miniatures, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp(name)
    return miniatures[name](folder) if name in miniatures else folder


@pytest.fixture(scope="module")
def raw(name: str, data_dir: Path) -> RawData:
    return SOURCES[name](data_dir)


@pytest.fixture(scope="module")
def splits(name: str, raw: RawData, data_dir: Path) -> Splits:
    return load_splits(name, data_dir=data_dir, seed=3).splits


def samples(parts: Iterable[tuple[np.ndarray, np.ndarray]]) -> Counter[tuple[bytes, int]]:
    """Count (pixels, label): what a part holds, whatever its order."""
    return Counter((x.tobytes(), int(y)) for X, Y in parts for x, y in zip(X, Y, strict=True))


def test_shapes_and_kinds(splits: Splits) -> None:
    assert len(splits.input_shape) == 3
    assert splits.input_shape[0] in (1, 3)
    assert splits.classes.dtype.kind in "iU"
    if splits.classes.dtype.kind == "i":
        assert splits.classes.dtype == np.int64
    assert splits.classes.tolist() == sorted(set(splits.classes.tolist()))
    for part in SPLIT_NAMES:
        split = getattr(splits, part)
        assert (split.images.dtype, split.labels.dtype) == (np.uint8, np.int64)
        assert set(split.labels.tolist()) == set(range(len(splits.classes)))
        assert split.images.flags.writeable  # torch warns of arrays that are not


def test_every_sample_is_in_exactly_one_part(raw: RawData, splits: Splits) -> None:
    images = raw.samples
    if isinstance(images, tuple):
        images = np.stack([decode_image(path, splits.input_shape) for path in images])
    parts = [(getattr(splits, part).images, getattr(splits, part).labels) for part in SPLIT_NAMES]
    assert samples(parts) == samples([(images, raw.labels)])
    if raw.test_from is not None:
        np.testing.assert_array_equal(splits.test.images, images[raw.test_from :])
        np.testing.assert_array_equal(splits.test.labels, raw.labels[raw.test_from :])


def test_classes_are_cut_in_proportion(raw: RawData, splits: Splits) -> None:
    pool = raw.labels[: raw.test_from]
    shares = SHARES if raw.test_from is None else SHARES_BESIDE_TEST
    for c in range(len(raw.classes)):
        of_class = (pool == c).sum()
        for part, share in zip(SPLIT_NAMES, shares, strict=False):
            dealt = (getattr(splits, part).labels == c).sum()
            assert dealt >= 1
            assert abs(dealt - share * of_class) <= 1


def test_the_seed_decides(name: str, splits: Splits, data_dir: Path) -> None:
    again = load_splits(name, data_dir=data_dir, seed=3).splits
    other = load_splits(name, data_dir=data_dir, seed=4).splits
    for part in SPLIT_NAMES:
        first, second = getattr(splits, part), getattr(again, part)
        assert first.images.tobytes() == second.images.tobytes()
        assert first.labels.tobytes() == second.labels.tobytes()
    assert again.sizes == other.sizes
    chosen = [samples([(cut.select.images, cut.select.labels)]) for cut in (splits, other)]
    assert chosen[0] != chosen[1]  # other samples, not another order


def test_missing_files_are_one_line_that_names_them(
    name: str,
    miniatures,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if name not in miniatures:
        pytest.skip(f"{name} needs no files")
    refuse = "pruning.data.download.SECONDS_TO_ANSWER"
    monkeypatch.setattr(refuse, 0.001)  # whatever the network, no download succeeds
    with pytest.raises(RequestError) as error:
        SOURCES[name](tmp_path)
    message = str(error.value)
    assert "\n" not in message
    assert str(tmp_path) in message
    assert "`data_dir`" in message
    assert capfd.readouterr() == ("", "")
    assert list(tmp_path.iterdir()) == []


def test_listing_the_names_loads_no_library() -> None:
    code = (
        "import sys\nfrom pruning.data.sources import SOURCES\nfrom pruning.data import load\n"
        "print(*SOURCES.names())\n"
        "print([m for m in ('torch', 'torchvision', 'sklearn', 'pandas') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    names, loaded = done.stdout.splitlines()
    assert {"digits", "mnist", "fashion-mnist", "cifar10", "cifar100", "tiny-imagenet"} <= set(
        names.split()
    )
    assert loaded == "[]"
