"""Artefacts that earlier versions made load in this one and answer what they answered then.

Each folder of ``artefacts/`` was made by the version whose format it names, and is never made
again. For a new format version run ``make_kept`` once and add the folder.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import ensemble
from ensemble.artefact.stored import FORMAT_VERSION
from ensemble.cascade import Cascade
from ensemble.model import Ensemble
from ensemble.onnx.runtime import FORMAT_VERSION as ONNX_VERSION
from ensemble.storage.folder import ROOT

KEPT = Path(__file__).parent / "artefacts"


def make_kept(make_ensemble: Callable[..., Ensemble], folder: Path) -> None:
    """Write a folder to keep: the artefact, the ONNX file, images and their answer."""
    model = make_ensemble(
        archs=("mlp-a:12-8", "conv-b:6-6", "conv-c4:3-4-5-4-6"), classes=("cat", "dog", "été"),
        shape=(3, 16, 16), weights=(0.2, 0.3, 0.5), voting="accuracy_weighted", temperature=1.25,
        cascade=Cascade((1, 0, 2), 0.75),
    )  # fmt: skip
    images = np.random.default_rng(0).integers(0, 256, (16, 3, 16, 16), dtype=np.uint8)
    model.save(folder / "team")
    ensemble.load(folder / "team").export(folder / "team.onnx")  # type: ignore[arg-type]
    np.savez_compressed(
        folder / "answer.npz", images=images, probabilities=model.predict_proba(images)
    )


@pytest.mark.parametrize("version", sorted(path.name for path in KEPT.iterdir()))
@pytest.mark.parametrize("form", ["team", "team.onnx"])
def test_it_loads_and_answers_as_it_did(version: str, form: str) -> None:
    with np.load(KEPT / version / "answer.npz") as answer:
        images, wanted = answer["images"], answer["probabilities"]
    clf = ensemble.load(KEPT / version / form)
    np.testing.assert_allclose(clf.predict_proba(images), wanted, atol=1e-5)
    assert clf.classes_.tolist() == ["cat", "dog", "été"]
    assert clf.description.members[0].widths[0].unpruned == 12
    if form == "team" or version == "v1":
        assert clf.description.combination.cascade == Cascade((1, 0, 2), 0.75)


def test_this_versions_format_is_kept() -> None:
    assert FORMAT_VERSION == ONNX_VERSION
    assert (KEPT / f"v{FORMAT_VERSION}").is_dir()


def test_what_was_kept_is_saved_as_it_was(tmp_path: Path) -> None:
    newest = KEPT / f"v{FORMAT_VERSION}" / "team"
    ensemble.load(newest).save(tmp_path / "again")  # type: ignore[attr-defined]
    kept, again = (
        json.loads((folder / ROOT).read_text()) for folder in (newest, tmp_path / "again")
    )
    np.testing.assert_allclose(
        kept["probe"].pop("answers"), again["probe"].pop("answers"), atol=1e-2
    )
    assert {**kept, "checksum": ""} == {**again, "checksum": ""}
    for path in newest.glob("member-*"):
        assert (tmp_path / "again" / path.name).read_bytes() == path.read_bytes()
