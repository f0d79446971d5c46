"""Builds on augmented samples: the same again, stopped or not, and refused before training."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from pipeline_support import TINY_OPTIONS, fails, tiny_config, write_images

from pipelines.build.built import Built
from pipelines.build.story import build
from pipelines.run.config import BuildConfig
from pipelines.run.directory import RunDirectory
from pipelines.run.records import RunHistory
from pipelines.run.resources import Placement
from pruning.dropnet import Member

EVERYTHING = "photo-trivial-cutout-cutmix"


def _config(data: Path, augment: str) -> BuildConfig:
    config = tiny_config(data, m=2, archs=("mlp-a:8-6", "conv-b:3-4"))
    recipe = dataclasses.replace(config.dropnet.recipe, augment=augment)
    return dataclasses.replace(config, dropnet=dataclasses.replace(config.dropnet, recipe=recipe))


def _members(built: Built) -> dict[str, bytes]:
    assert built.path is not None
    return {
        str(file.relative_to(built.path)): file.read_bytes()
        for file in sorted((built.path / "members").rglob("*"))
        if file.is_file()
    }


def test_a_stopped_build_on_mixed_samples_goes_on_to_the_same_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = _config(write_images(tmp_path / "tiny.npz"), EVERYTHING)
    whole = build(config, out=tmp_path / "whole")
    keep, kept = RunDirectory.keep_round, []

    def stop(self: RunDirectory, member: Member, earlier: RunHistory | None) -> RunHistory:
        if len(kept) == 2:
            raise KeyboardInterrupt
        kept.append(member.run)
        return keep(self, member, earlier)

    with monkeypatch.context() as patched:
        patched.setattr(RunDirectory, "keep_round", stop)
        with pytest.raises(KeyboardInterrupt):
            build(config, out=tmp_path / "stopped")
    assert _members(build(config, out=tmp_path / "stopped")) == _members(whole)
    plain = build(_config(tmp_path / "tiny.npz", "photo"), out=tmp_path / "plain")
    assert _members(plain) != _members(whole)


@pytest.mark.slow
@pytest.mark.parametrize("augment", [EVERYTHING, "shift-mixup"])
def test_another_number_of_jobs_draws_alike(tmp_path: Path, augment: str) -> None:
    config = _config(write_images(tmp_path / "tiny.npz"), augment)
    one = build(config, out=tmp_path / "one", placement=Placement(jobs=1))
    two = build(config, out=tmp_path / "two", placement=Placement(jobs=2))
    assert _members(one) == _members(two)


@pytest.mark.parametrize(
    ("augment", "values", "said"),
    [
        ("cutout", "rows", "--augment 'cutout' needs images, and samples have shape (5,)"),
        ("trivial", "fractions", "--augment 'trivial' needs images of 8 bits"),
        ("mixup-cutmix", "rows", "'mixup' and 'cutmix' do not go together"),
        ("mixop", "rows", "unknown augmentation 'mixop'; did you mean 'mixup'"),
    ],
)
def test_what_data_do_not_allow_is_refused_in_a_line_before_training(
    augment: str, values: str, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rng = np.random.default_rng(0)
    shape = (60, 5) if values == "rows" else (60, 1, 8, 8)
    np.savez(tmp_path / "data.npz", X=rng.normal(size=shape), y=np.arange(60) % 2)
    words = ("--data", str(tmp_path / "data.npz"), "--out", str(tmp_path / "run"))
    line = fails(capsys, "build", *TINY_OPTIONS, *words, "--augment", augment)
    assert said in line
    assert not (tmp_path / "run").exists()
