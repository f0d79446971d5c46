"""The device is settled before training and carried to every tensor; checked on CPU tensors."""

from __future__ import annotations

import pytest
import torch
from pruning_support import blobs

from pipelines.build.device import resolve_device
from pruning.core.errors import RequestError
from pruning.dropnet import DropNet, Runs, dropnet
from pruning.dropnet.settings import Rewinding
from pruning.training.device_data import DeviceData
from pruning.training.recipe import Recipe


@pytest.mark.parametrize(
    ("asked", "there", "expected"),
    [("auto", True, "cuda"), ("auto", False, "cpu"), ("cpu", True, "cpu"), ("cuda", True, "cuda")],
)
def test_auto_takes_cuda_where_there_is_one(
    asked: str, there: bool, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: there)
    assert resolve_device(asked) == expected


def test_cuda_where_there_is_none_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(RequestError, match="`device` 'cuda': no CUDA device is here"):
        resolve_device("cuda")


def test_data_lie_on_the_device_as_they_are_stored() -> None:
    data = DeviceData.of(blobs(), torch.device("cpu", 0))
    assert data.train_images.dtype == torch.uint8
    assert {t.device.type for t in (data.train_images, data.val_labels)} == {"cpu"}


@pytest.mark.parametrize("arch", ["mlp-a:6-5", "conv-b:3-3"])
@pytest.mark.parametrize("to", ["initial", "late"])
def test_a_device_given_by_index_trains_to_the_same_members_on_the_cpu(arch: str, to: str) -> None:
    runs = Runs(arch, (0,), (1,))
    settings = DropNet(
        rounds=1,
        kappa=0.0,
        rewinding=Rewinding(to, 1 if to == "late" else None),  # type: ignore[arg-type]
        recipe=Recipe(max_epochs=2),
    )
    usual = list(dropnet(runs, blobs(), settings))
    named = list(dropnet(runs, blobs(), settings, device=torch.device("cpu", 0)))
    for [a], [b] in zip(usual, named, strict=True):
        assert {p.device for p in b.network.parameters()} == {torch.device("cpu")}
        assert all(
            torch.equal(v, b.network.state_dict()[k]) for k, v in a.network.state_dict().items()
        )


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device is here")
def test_a_cuda_device_trains_and_hands_members_back_on_the_cpu() -> None:
    settings = DropNet(rounds=1, kappa=0.0, recipe=Recipe(max_epochs=5))
    rounds = list(dropnet(Runs("mlp-a", (0, 1), (0, 1)), blobs(), settings, device="cuda"))
    assert all(not p.is_cuda for m in rounds[-1] for p in m.network.parameters())
    assert all(m.val_accuracy > 0.5 for m in rounds[0])
