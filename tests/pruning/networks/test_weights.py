"""Weights that somebody else trained, as θ0."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from pruning.core.errors import RequestError
from pruning.core.torchvision_compat import import_torchvision
from pruning.networks.architecture import build_network
from pruning.networks.weights import classes_given, last_layer, start_from

ARCH = "torchvision:squeezenet1_1"


def _classifier(name: str = "squeezenet1_1", **options: object) -> nn.Module:
    torch.manual_seed(5)
    network: nn.Module = getattr(import_torchvision().models, name)(weights=None, **options)
    return network


@pytest.fixture
def published(monkeypatch: pytest.MonkeyPatch) -> dict[str, Tensor]:
    """What a download would bring: a classifier of ImageNet's 1,000 classes."""
    weights = _classifier().state_dict()
    asked: list[str] = []

    def load(url: str, **options: object) -> dict[str, Tensor]:
        asked.append(url)
        assert options["check_hash"]
        return dict(weights)

    import_torchvision()
    monkeypatch.setattr("torchvision.models._api.load_state_dict_from_url", load)
    return weights


@pytest.mark.parametrize("source", [ARCH, f"{ARCH}:IMAGENET1K_V1"])
def test_published_weights_become_the_start_and_the_last_layer_its_own(
    source: str, published: dict[str, Tensor]
) -> None:
    drawn = build_network(ARCH, 7, (3, 32, 32), 0)
    own = {key: value.clone() for key, value in drawn.state_dict().items()}
    started = start_from(drawn, source).state_dict()
    for key, value in started.items():
        assert torch.equal(value, own[key] if key.startswith("classifier.") else published[key])


def test_published_weights_of_as_many_classes_are_taken_whole(
    published: dict[str, Tensor],
) -> None:
    started = start_from(build_network(ARCH, 1000, (3, 32, 32), 0), ARCH)
    assert all(torch.equal(v, published[k]) for k, v in started.state_dict().items())


def test_a_files_weights_of_other_classes_leave_the_last_layer_its_draw(tmp_path: Path) -> None:
    file = tmp_path / "ten.safetensors"
    ten = build_network("conv-b:3-4", 10, (3, 8, 8), 1)
    save_file(ten.state_dict(), file)
    network = build_network("conv-b:3-4", 7, (3, 8, 8), 0)
    assert classes_given(network, str(file)) == 10
    assert classes_given(ten, str(file)) is None
    own = {key: value.clone() for key, value in network.state_dict().items()}
    given, last = ten.state_dict(), [*own][-2:]
    for key, value in start_from(network, str(file)).state_dict().items():
        assert torch.equal(value, own[key] if key in last else given[key])
    wider = build_network("conv-b:3-5", 7, (3, 8, 8), 0)
    with pytest.raises(RequestError, match="do not fit the architecture"):
        start_from(wider, str(file))


class Plain(nn.Module):
    """Makes its classes without a layer."""

    def __init__(self) -> None:
        super().__init__()
        self.matrix = nn.Parameter(torch.rand(4, 3))


def test_a_network_without_a_last_layer_takes_weights_all_the_same(tmp_path: Path) -> None:
    file, given = tmp_path / "plain.safetensors", Plain()
    save_file(given.state_dict(), file)
    assert classes_given(Plain(), str(file)) is None
    assert torch.equal(start_from(Plain(), str(file)).state_dict()["matrix"], given.matrix)
    with pytest.raises(RequestError, match="Plain has no linear layer or convolution"):
        last_layer(Plain())


@pytest.mark.parametrize(
    ("arch", "source", "says"),
    [
        ("mlp-a", ARCH, "do not fit the architecture: "),
        (ARCH, "torchvision:squeezenet", "unknown torchvision classifier 'squeezenet'; did you"),
        (ARCH, f"{ARCH}:IMAGENET1K_V9", "unknown weights of torchvision:squeezenet1_1 'IMAGENET1K"),
    ],
)
def test_published_weights_that_do_not_fit_are_said(
    arch: str, source: str, says: str, published: dict[str, Tensor]
) -> None:
    with pytest.raises(RequestError, match=says) as error:
        start_from(build_network(arch, 7, (3, 32, 32), 0), source)
    assert "\n" not in str(error.value)


def test_weights_that_cannot_be_downloaded_are_said_with_the_way_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def offline(*args: object, **kwargs: object) -> None:
        raise OSError("no network in tests")

    monkeypatch.setattr("socket.getaddrinfo", offline)
    monkeypatch.setattr("torch.hub._hub_dir", str(tmp_path))
    with pytest.raises(RequestError, match="cannot be had") as error:
        start_from(build_network(ARCH, 7, (3, 32, 32), 0), ARCH)
    assert f"put squeezenet1_1-b8a52dc0.pth into {tmp_path / 'checkpoints'}" in str(error.value)
    assert "\n" not in str(error.value)
