"""What a network does in place, after a value was made, does not change the value's score."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from pruning.core.torchvision_compat import import_torchvision
from pruning.networks.architecture import NETWORKS, build_network
from pruning.samples.scaling import Scaling
from pruning.samples.stored import StoredSamples
from pruning.scores.score import SCORES
from pruning.scores.sweep import importances
from pruning.surgery import find_groups, full_masks
from pruning.surgery.groups import PrunedNetwork

METRICS = ("minimum", "variance", "apoz", "taylor")
SMALL = ("resnet18", "mobilenet_v2", "densenet121", "shufflenet_v2_x1_0", "squeezenet1_1")
INPLACE_FUNCTIONS = {
    Tensor.__iadd__: torch.add, Tensor.__imul__: torch.mul, Tensor.__isub__: torch.sub,
    Tensor.__itruediv__: torch.div, Tensor.add_: torch.add, Tensor.mul_: torch.mul,
    torch.relu_: torch.relu, Tensor.relu_: torch.relu,
}  # fmt: skip


class OutOfPlace(TorchFunctionMode):
    """Every operation that would change its argument makes a new value."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = {**(kwargs or {}), **({"inplace": False} if "inplace" in (kwargs or {}) else {})}
        return INPLACE_FUNCTIONS.get(func, func)(*args, **kwargs)


def scores(network: nn.Module, shape: tuple[int, ...], metric: str) -> dict[str, Tensor]:
    """Return the importances of a network's units on a few noisy images."""
    generator = torch.Generator().manual_seed(3)
    images = torch.randint(0, 256, (4, *shape), generator=generator, dtype=torch.uint8)
    groups = find_groups(network, shape)
    return importances(
        PrunedNetwork(network, groups, full_masks(groups)), SCORES[metric],
        StoredSamples(images, Scaling(), torch.tensor([0, 1, 2, 0])),
        generator=torch.Generator().manual_seed(0),
    )  # fmt: skip


def compare(network: nn.Module, shape: tuple[int, ...], metric: str) -> None:
    """Score a network as it is, and with nothing done in place."""
    generator = torch.Generator().manual_seed(4)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):  # values after a norm that are unlike 0 and 1
            nn.init.normal_(module.bias, 0, 0.5, generator=generator)
            nn.init.uniform_(module.weight, 0.3, 2, generator=generator)
    plain = copy.deepcopy(network)
    for module in plain.modules():
        if getattr(module, "inplace", False):
            module.inplace = False
    found = scores(network, shape, metric)
    with OutOfPlace():
        expected = scores(plain, shape, metric)
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        torch.testing.assert_close(
            found[name], value, rtol=1e-4, atol=1e-5 * float(value.abs().max()),
            msg=lambda text, name=name: f"{name}: {text}",
        )  # fmt: skip


@pytest.mark.parametrize("metric", ["minimum", "taylor"])
@pytest.mark.parametrize("arch", list(NETWORKS))
def test_built_in_networks(arch: str, metric: str) -> None:
    compare(build_network(arch, 3, (3, 32, 32), 0), (3, 32, 32), metric)


@pytest.mark.parametrize("metric", ["minimum", "taylor"])
@pytest.mark.parametrize("arch", SMALL)
def test_torchvision_networks(arch: str, metric: str) -> None:
    compare(build_network(f"torchvision:{arch}", 3, (3, 64, 64), 0), (3, 64, 64), metric)


@pytest.mark.slow
@pytest.mark.parametrize("arch", import_torchvision().models.list_models(
    module=import_torchvision().models))  # fmt: skip
def test_every_torchvision_network(arch: str) -> None:
    side = 299 if arch == "inception_v3" else 224
    compare(build_network(f"torchvision:{arch}", 3, (3, side, side), 0), (3, side, side), "minimum")


class Scaled(nn.Module):
    """A value is multiplied, or summed and rectified, after it was made."""

    def __init__(self, change: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.change = change
        self.a, self.b = nn.Conv2d(1, 8, 3, padding=1), nn.Conv2d(8, 8, 3, padding=1)
        self.fc = nn.Linear(8, 3)

    def forward(self, x: Tensor) -> Tensor:
        x = self.change(self.a(x))
        return self.fc(self.b(x).relu().mean((2, 3)))  # type: ignore[no-any-return]


def _gate(x: Tensor) -> Tensor:
    return torch.sigmoid(x.mean((2, 3), keepdim=True))


def _times(x: Tensor) -> Tensor:
    x *= _gate(x)
    return x


PAIRS: dict[str, tuple[Callable[[Tensor], Tensor], Callable[[Tensor], Tensor]]] = {
    "x *= gate": (_times, lambda x: x * _gate(x)),
    "mul_": (lambda x: x.mul_(_gate(x)), lambda x: x * _gate(x)),
    "add_ and relu_": (lambda x: torch.relu_(x.add_(_gate(x))), lambda x: torch.relu(x + _gate(x))),
}


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("pair", PAIRS)
def test_in_place_and_out_of_place_score_alike(pair: str, metric: str) -> None:
    in_place, out_of_place = (Scaled(change) for change in PAIRS[pair])
    out_of_place.load_state_dict(in_place.state_dict())
    found = scores(in_place, (1, 8, 8), metric)
    expected = scores(out_of_place, (1, 8, 8), metric)
    for name, value in expected.items():
        torch.testing.assert_close(found[name], value, rtol=1e-5, atol=1e-7)
