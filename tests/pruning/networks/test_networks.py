from __future__ import annotations

from pathlib import Path

import pytest
import torch
from pruning_support import narrow

from pruning.core.errors import RequestError
from pruning.networks.architecture import NETWORKS, build_network

IMAGE = (3, 32, 32)


@pytest.mark.parametrize("arch", NETWORKS.names())
def test_the_same_seed_gives_the_same_weights_and_leaves_the_global_generator(arch: str) -> None:
    before = torch.get_rng_state()
    first, again, other = (
        build_network(narrow(arch), 4, IMAGE, seed).state_dict() for seed in (1, 1, 2)
    )
    assert torch.equal(before, torch.get_rng_state())
    assert all(torch.equal(value, again[key]) for key, value in first.items())
    drawn = [key for key, value in first.items() if value.ndim > 1]
    assert drawn
    assert not any(torch.equal(first[key], other[key]) for key in drawn)


@pytest.mark.parametrize("arch", ["mlp-a", "conv-b", "conv-c", "conv-c4"])
def test_the_papers_networks_begin_without_bias(arch: str) -> None:
    state = build_network(arch, 4, IMAGE, 1).state_dict()
    assert not any(value.any() for key, value in state.items() if key.endswith("bias"))


def test_a_later_round_draws_other_weights() -> None:
    first, later = (build_network("mlp-a", 4, IMAGE, 1, k).state_dict() for k in (0, 2))
    assert not torch.equal(first["fc1.weight"], later["fc1.weight"])


def test_the_published_layers() -> None:
    conv_c = [type(layer).__name__ for layer in build_network("conv-c", 10, IMAGE, 0).children()]
    conv_c4 = [type(layer).__name__ for layer in build_network("conv-c4", 10, IMAGE, 0).children()]
    pair = ["Conv2d", "ReLU", "Conv2d", "ReLU", "MaxPool2d"]
    single = ["Conv2d", "ReLU", "MaxPool2d"]
    head = ["Flatten", "Linear", "ReLU", "Linear"]
    assert conv_c == pair * 2 + head
    assert conv_c4 == single * 4 + head


@pytest.mark.parametrize(
    ("arch", "message"),
    [
        ("mlp", "unknown architecture 'mlp'; did you mean 'mlp-a'"),
        ("mlp-a:x", "widths 'x' must be positive whole numbers"),
        ("mlp-a:0", "widths '0' must be positive whole numbers"),
        ("conv-b:3", "conv-b takes 2 widths, got 1: 3"),
        ("nowhere.nets:make", "cannot be imported"),
    ],
)
def test_wrong_names_are_said(arch: str, message: str) -> None:
    with pytest.raises(RequestError, match=message):
        build_network(arch, 3, IMAGE, 0)


def test_a_colon_without_widths_is_said() -> None:
    with pytest.raises(RequestError, match="'mlp-a:' gives no widths after the colon; give some"):
        build_network("mlp-a:", 3, IMAGE, 0)


@pytest.mark.parametrize(
    ("arch", "side"),
    [("conv-b", 3), ("conv-c", 3), ("conv-c4", 15), ("resnet20", 3), ("resnet18-bn", 7),
     ("vgg16-bn", 31)],
)  # fmt: skip
def test_images_too_small_for_the_pools_are_said(arch: str, side: int) -> None:
    with pytest.raises(RequestError, match=f"{arch} needs images of at least"):
        build_network(arch, 3, (1, side, side), 0)


def test_a_users_factory_is_found_in_the_current_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "my_nets.py").write_text(
        "from torch import nn\n"
        "def make(num_classes, input_shape):\n"
        "    return nn.Sequential(nn.Flatten(), nn.Linear(12, 5), nn.ReLU(),\n"
        "                         nn.Linear(5, num_classes))\n"
        "def not_a_module(num_classes, input_shape):\n"
        "    return 3\n"
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    a, b = (build_network("my_nets:make", 2, (3, 2, 2), 7).state_dict() for _ in range(2))
    assert all(torch.equal(a[key], b[key]) for key in a)
    with pytest.raises(RequestError, match=r"returned int; expected a torch\.nn\.Module"):
        build_network("my_nets:not_a_module", 2, (3, 2, 2), 7)
    with pytest.raises(RequestError, match="cannot be imported"):
        build_network("my_nets:absent", 2, (3, 2, 2), 7)


@pytest.mark.parametrize("arch", NETWORKS.names())
def test_a_registered_network_answers_logits_and_trains_whole(arch: str) -> None:
    network = build_network(narrow(arch), 3, IMAGE, 0)
    logits = network(torch.rand(2, *IMAGE))
    assert logits.shape == (2, 3)
    logits.sum().backward()
    assert all(p.grad is not None for p in network.parameters())
