"""What a build reads, an ensemble reads, and as the same samples; in every form of the team."""

from __future__ import annotations

import copy
import pickle
import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

import ensemble
from ensemble.model import Ensemble
from ensemble.reading.inputs import AsStored, batches
from ensemble.stream import predict_stream
from pruning.core.errors import RequestError
from pruning.data.load import load_splits
from pruning.data.splits import SPLIT_NAMES, Splits

RNG = np.random.default_rng(0)
Y = np.arange(40) % 2
PIXELS = RNG.integers(0, 256, (40, 6, 7))
SIGNALS = RNG.normal(3, 2, (40, 5, 9))
KINDS: dict[str, tuple[NDArray[Any], str]] = {
    "rows": (RNG.normal(size=(40, 3)), ""),
    "rows of booleans": (RNG.random((40, 3)) > 0.5, ""),
    "seconds": (1.6e9 + RNG.integers(0, 99, (40, 2)), ""),
    "far beyond float32": (1e60 + 1e50 * RNG.integers(0, 99, (40, 2)), ""),
    "8-bit": (PIXELS.astype(np.uint8), ""),
    "8-bit as floats": (PIXELS / 255, ""),
    "black and white": (PIXELS > 99, ""),
    "16-bit": ((PIXELS * 16).astype(np.uint16), ""),
    "0..1": (PIXELS / 300, ""),
    "0..0.001": (PIXELS / 255000, ""),
    "normalised": ((PIXELS - 120.0) / 60, ""),
    "channels last": (RNG.normal(size=(40, 6, 7, 3)), "NHWC"),
    "a cube": (RNG.integers(0, 4000, (40, 6, 6, 6)), "NHWC"),
    "RGBA": (RNG.integers(0, 256, (40, 6, 7, 4), dtype=np.uint8), ""),
    "bands": (RNG.integers(0, 256, (40, 12, 6, 7), dtype=np.uint8), "NCHW"),
    "signals": (SIGNALS, "NCT"),
    "signals, time first": (SIGNALS.transpose(0, 2, 1), "NTC"),
}


def linear(classes: int, shape: tuple[int, ...]) -> nn.Module:
    return nn.Sequential(nn.Flatten(), nn.Linear(int(np.prod(shape)), classes))


def team(splits: Splits, seed: int = 0) -> Ensemble:
    """Two untrained networks for these samples, with their scaling."""
    torch.manual_seed(seed)
    networks = [linear(len(splits.classes), splits.input_shape) for _ in range(2)]
    return Ensemble(networks, splits.classes, splits.input_shape, scaling=splits.scaling)


def stored(splits: Splits) -> NDArray[Any]:
    return np.concatenate([getattr(splits, name).images for name in SPLIT_NAMES])


@pytest.mark.parametrize("kind", KINDS)
def test_an_ensemble_reads_what_a_build_reads(kind: str) -> None:
    X, axes = KINDS[kind]
    splits = Splits.from_arrays(X, Y, axes=axes)
    read = list(batches(X, splits.input_shape, 7, splits.scaling.reading))
    assert all(part.dtype == splits.train.images.dtype and len(part) <= 7 for part in read)
    rows = sorted(row.tobytes() for row in np.concatenate(read))
    assert rows == sorted(row.tobytes() for row in stored(splits))


@pytest.mark.parametrize("kind", KINDS)
def test_every_form_of_a_team_answers_alike(kind: str, tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime")
    X, axes = KINDS[kind]
    made = team(Splits.from_arrays(X, Y, axes=axes))
    wanted = made.predict_proba(X)
    assert len(np.unique(wanted[:, 0])) > 2, "different samples have different answers"
    made.save(tmp_path / "team")
    made.export(tmp_path / "team.onnx", probe=X)
    for place in ("team", "team.onnx"):
        loaded = ensemble.load(
            tmp_path / place, factories={made.description.members[0].arch: linear}
        )
        np.testing.assert_allclose(loaded.predict_proba(X), wanted, atol=1e-5)
    for copied in (copy.deepcopy(loaded), pickle.loads(pickle.dumps(loaded))):
        np.testing.assert_array_equal(copied.predict_proba(X), loaded.predict_proba(X))
        assert copied.get_params() == loaded.get_params()
    np.save(tmp_path / "X.npy", X)
    found = list(predict_stream(loaded, [str(tmp_path / "X.npy")]))
    np.testing.assert_allclose([r.probabilities for r in found], wanted, atol=1e-5)


def test_what_was_read_already_is_taken_as_it_is() -> None:
    splits = Splits.from_arrays(*KINDS["seconds"][:1], Y)
    made = team(splits)
    given = made.predict_proba(KINDS["seconds"][0])
    taken = made.predict_proba(AsStored(stored(splits)))
    assert sorted(map(tuple, given.tolist())) == sorted(map(tuple, taken.tolist()))
    with pytest.raises(RequestError, match="stored samples are float64"):
        made.predict_proba(AsStored(stored(splits).astype(float)))  # type: ignore[arg-type]


@pytest.mark.parametrize("fit", ["cut", "stretch", "pad"])
@pytest.mark.parametrize("bits", [8, 16])
def test_image_files_are_predicted_as_they_were_trained(
    tmp_path: Path, fit: Any, bits: int
) -> None:
    kind = np.uint8 if bits == 8 else np.uint16
    for i in range(40):
        folder = tmp_path / "photos" / ("cat", "dog")[i % 2]
        folder.mkdir(parents=True, exist_ok=True)
        pixels = RNG.integers(0, 2**bits, (20, 30 + i), dtype=kind)
        Image.fromarray(pixels).save(folder / f"{i:02}.png")
    splits = load_splits(str(tmp_path / "photos"), image_size=(8, 12), fit=fit).splits
    assert splits.input_shape == (1, 8, 12) and splits.scaling.reading.fit == fit
    made = team(splits)
    files = sorted((tmp_path / "photos").rglob("*.png"))
    wanted = {tuple(p) for p in made.predict_proba(AsStored(stored(splits))).round(5).tolist()}
    pictures = [Image.open(path) for path in files]
    for given in (files, pictures, pd.Series(map(str, files)), np.array([str(f) for f in files])):
        assert {tuple(p) for p in made.predict_proba(given).round(5).tolist()} == wanted
    (tmp_path / "linked").symlink_to(tmp_path / "photos")
    found = list(predict_stream(made, [str(tmp_path / "linked")]))
    assert {tuple(r.probabilities.round(5).tolist()) for r in found} == wanted


def test_data_loaders_and_generators_are_read_batch_by_batch() -> None:
    X = torch.tensor(PIXELS[:, None] / 255, dtype=torch.float32)
    made = team(Splits.from_arrays(PIXELS.astype(np.uint8), Y))
    wanted = made.predict_proba(X)
    pairs = DataLoader(TensorDataset(X, torch.tensor(Y)), batch_size=16)
    for given in (
        pairs, DataLoader(TensorDataset(X), batch_size=3), DataLoader(X, batch_size=64), iter(X),
        (X[i : i + 9] for i in range(0, 40, 9)), ((x, int(y)) for x, y in zip(X, Y, strict=True)),
    ):  # fmt: skip
        found = made.set_params(batch_size=10).predict_proba(given)
        np.testing.assert_allclose(found, wanted, atol=1e-6)


@pytest.mark.parametrize("dtype", [object, "string", "category"])
def test_labels_of_pandas_are_scored(dtype: Any) -> None:
    names = np.array(["cat", "dog"])[Y]
    made = team(Splits.from_arrays(PIXELS.astype(np.uint8), names))
    wanted = made.score(PIXELS, names)
    assert 0 < wanted < 1
    assert made.score(PIXELS, pd.Series(names, dtype=dtype)) == wanted


def test_rows_of_images_are_taken_where_the_shape_is_known() -> None:
    made = team(Splits.from_arrays(PIXELS.astype(np.uint8), Y))
    rows = PIXELS.reshape(40, -1) / 255
    np.testing.assert_array_equal(made.predict_proba(rows), made.predict_proba(PIXELS / 255))
    colour = team(Splits.from_arrays(RNG.integers(0, 256, (40, 6, 7, 3)), Y))
    with pytest.raises(RequestError, match="expected"):  # by pixel or by channel?
        colour.predict(np.zeros((2, 6 * 7 * 3)))


@pytest.mark.parametrize("top", [16.0, 100.0, 255.0, 4095.0, 65535.0])
@pytest.mark.parametrize("whole", [False, True])
def test_advice_that_is_followed_gives_what_was_meant(top: float, whole: bool) -> None:
    """Digits by their 17 shades of grey, as somebody has them, against those it was trained on."""
    made = team(load_splits("digits").splits)
    shades = load_digits().images[:300] / 16
    wanted = made.predict_proba(shades)
    X = shades * top
    if whole:
        X = X.round().astype(np.int64)
        if top <= 255:
            return  # whole numbers in 0..255 are pixels
    with pytest.raises(RequestError) as error:
        made.predict(X)
    advice = re.search(r"such as (X / [\d.e+]+)", str(error.value))
    assert advice is not None
    found = made.predict_proba(eval(advice[1], {"X": X}))
    np.testing.assert_allclose(found, wanted, atol=2e-2)


def test_other_advice_is_right() -> None:
    made = team(Splits.from_arrays(RNG.integers(0, 256, (40, 6, 7, 3)), Y))
    image = RNG.integers(0, 256, (3, 6, 7), dtype=np.uint8)
    with pytest.raises(RequestError, match=r"X\[None\] is one image, X\[:, None\] is 3"):
        made.predict(image)
    assert len(made.predict(image[None])) == 1 and len(made.predict(image[:, None])) == 3
    with pytest.raises(RequestError, match=r"add an axis for one image: X\[None\]"):
        made.predict(image[0])
    assert len(made.predict(image[0][None])) == 1
    large = RNG.integers(0, 256, (4, 12, 14, 3), dtype=np.uint8)
    with pytest.raises(RequestError, match="pass paths or PIL images to resize"):
        made.predict(large)
    assert len(made.predict([Image.fromarray(x) for x in large])) == 4


def test_image_files_are_refused_where_numbers_have_units_of_their_own(tmp_path: Path) -> None:
    made = team(Splits.from_arrays(*KINDS["16-bit"][:1], Y))
    Image.fromarray(PIXELS[0].astype(np.uint8)).save(tmp_path / "a.png")
    with pytest.raises(RequestError, match=r"units of their own: give arrays"):
        made.predict([tmp_path / "a.png"])
    with pytest.raises(RequestError, match=r"a\.png: .*give \.npy or \.npz"):
        list(predict_stream(made, [str(tmp_path / "a.png")]))
