"""A build from torchvision's weights normalises images as they were trained, and hands that on."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch
from pruning_support import blobs

import ensemble
from pipelines.build import build
from pipelines.run.config import BuildConfig
from pruning.core.errors import RequestError
from pruning.core.torchvision_compat import import_torchvision
from pruning.data.splits import Splits
from pruning.samples.scaling import Scaling

ARCH = "torchvision:squeezenet1_1"
IMAGENET = Scaling((255 * 0.485, 255 * 0.456, 255 * 0.406), (255 * 0.229, 255 * 0.224, 255 * 0.225))


@pytest.fixture
def photos(monkeypatch: pytest.MonkeyPatch) -> Splits:
    """Coloured images, and what a download of weights would bring."""
    import_torchvision()
    torch.manual_seed(0)
    published = import_torchvision().models.squeezenet1_1(weights=None).state_dict()
    monkeypatch.setattr(
        "torchvision.models._api.load_state_dict_from_url", lambda *_, **__: dict(published)
    )
    own = Scaling((100.0, 110.0, 120.0), (50.0, 60.0, 70.0))
    return dataclasses.replace(blobs(shape=(3, 32, 32)), scaling=own)


def asked(init: str) -> BuildConfig:
    return BuildConfig.of(
        m=2, s=1, arch=(ARCH,), rounds=1, keep=0.0, kappa=0.0, epochs=1, warmup=0, init=init
    )


def test_it_is_said_kept_in_the_run_and_in_the_artefact(photos: Splits, tmp_path: Path) -> None:
    lines: list[str] = []
    built = build(asked(ARCH), photos, tmp_path / "run", tell=lines.append)
    assert (
        f"images are normalised as {ARCH} was trained, by mean 0.485 0.456 0.406 and deviation "
        "0.229 0.224 0.225 of 0..1, not by this data's own"
    ) in lines
    anew = f"the last layer of {ARCH} is drawn anew: {ARCH} is of 1000 classes, the data of 3"
    assert anew in lines
    loaded = ensemble.load(tmp_path / "run")
    assert built.store.resolved.scaling == loaded.description.scaling == IMAGENET
    (member,) = [r for r in built.handed_on if r.id == built.selection.team[0]]
    network = member.load().network.eval()
    with torch.no_grad():
        logits = network(IMAGENET(torch.tensor(photos.test.images)))
    expected = (logits / loaded.description.combination.temperature).softmax(1)
    answers = loaded.predict_proba(photos.test.images)
    np.testing.assert_allclose(answers, expected.numpy(), atol=1e-5)


def test_your_own_weights_keep_the_datas_own_scaling(photos: Splits, tmp_path: Path) -> None:
    from safetensors.torch import save_file

    from pruning.networks.architecture import build_network

    save_file(build_network(ARCH, 3, (3, 32, 32), 0).state_dict(), tmp_path / "own.safetensors")
    lines: list[str] = []
    built = build(asked(str(tmp_path / "own.safetensors")), photos, tell=lines.append)
    assert built.store.resolved.scaling == photos.scaling
    assert not any("normalised" in line or "drawn anew" in line for line in lines)


def test_an_unknown_name_is_refused_before_training(photos: Splits) -> None:
    with pytest.raises(RequestError, match="unknown torchvision classifier 'squeezenet1_9'"):
        build(asked("torchvision:squeezenet1_9"), photos)
