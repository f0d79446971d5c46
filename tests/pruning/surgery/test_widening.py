"""One factor on all widths: the FLOPs wanted, the same network for the same seed."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from pruning.core.errors import RequestError
from pruning.inference.cost import count_cost
from pruning.networks.architecture import build_network
from pruning.surgery.widening import factor_for_flops, widened

IMAGE = (3, 16, 16)


class Blocks(nn.Module):
    """A sum, a depthwise convolution and a norm: what a user's own network may hold."""

    def __init__(self, num_classes: int, input_shape: tuple[int, ...]) -> None:
        super().__init__()
        self.first = nn.Conv2d(input_shape[0], 8, 3, padding=1)
        self.deep = nn.Conv2d(8, 8, 3, padding=1, groups=8)
        self.norm = nn.BatchNorm2d(8)
        self.second = nn.Conv2d(8, 8, 3, padding=1)
        self.output = nn.Linear(8 * 4, num_classes)

    def forward(self, inputs: Tensor) -> Tensor:
        kept = torch.relu(self.first(inputs))
        kept = kept + torch.relu(self.norm(self.deep(kept)))
        kept = nn.functional.adaptive_avg_pool2d(torch.relu(self.second(kept)), 2)
        return self.output(kept.flatten(1))  # type: ignore[no-any-return]


def make(num_classes: int, input_shape: tuple[int, ...]) -> nn.Module:
    return Blocks(num_classes, input_shape)


OWN = f"{__name__}:make"


@pytest.mark.parametrize("arch", ["mlp-a", "mlp-a:30-20-10", "conv-b:8-8", OWN])
@pytest.mark.parametrize("times", [0.3, 0.6, 1.0, 1.6, 4.0])
def test_the_flops_come_near_what_is_wanted(arch: str, times: float) -> None:
    whole = count_cost(build_network(arch, 10, IMAGE, 0), IMAGE).flops
    factor = factor_for_flops(arch, 10, IMAGE, times * whole)
    network = widened(arch, factor, 10, IMAGE)
    assert count_cost(network, IMAGE).flops == pytest.approx(times * whole, rel=0.2)
    assert (factor > 1) == (times > 1) or times == 1.0


@pytest.mark.parametrize("arch", ["conv-b:4-4", OWN])
def test_the_same_seed_draws_the_same_and_leaves_the_global_generator(arch: str) -> None:
    before = torch.get_rng_state()
    one, two, other = (widened(arch, 1.5, 10, IMAGE, seed).state_dict() for seed in (1, 1, 2))
    assert torch.equal(torch.get_rng_state(), before)
    assert all(torch.equal(one[key], two[key]) for key in one)
    assert any(not torch.equal(one[key], other[key]) for key in one)
    assert all(value.isfinite().all() for value in one.values())


def test_every_width_takes_the_factor() -> None:
    network = widened(OWN, 2.0, 10, IMAGE)
    shapes = {name: tuple(p.shape) for name, p in network.named_parameters() if p.ndim > 1}
    assert shapes == {
        "first.weight": (16, 3, 3, 3), "deep.weight": (16, 1, 3, 3),
        "second.weight": (16, 16, 3, 3), "output.weight": (10, 64),
    }  # fmt: skip


def thin(num_classes: int, input_shape: tuple[int, ...]) -> nn.Module:
    return nn.Sequential(nn.Linear(*input_shape, 1), nn.Tanh(), nn.Linear(1, num_classes))


def test_a_layer_of_one_unit_is_widened_and_none_is_left_empty() -> None:
    def widths(arch: str, factor: float) -> list[int]:
        network = widened(arch, factor, 3, (4,))
        return [m.out_features for m in network.modules() if isinstance(m, nn.Linear)]

    assert widths(f"{__name__}:thin", 5.0) == [5, 3]
    assert widths("mlp-a:4-6", 0.1) == [1, 1, 3]
    assert widths(f"{__name__}:thin", 0.1) == [1, 3]


def test_at_the_widths_as_they_are_it_is_the_network_of_seed_0() -> None:
    plain, found = build_network("conv-b:4-4", 10, IMAGE, 0), widened("conv-b:4-4", 1.0, 10, IMAGE)
    for key, value in plain.state_dict().items():
        assert torch.equal(found.state_dict()[key], value)


def test_what_cannot_be_reached_is_said() -> None:
    with pytest.raises(RequestError, match="of the 1e\\+15 FLOPs wanted, and comes no nearer"):
        factor_for_flops("mlp-a:2", 2, (4,), 1e15)


def test_a_network_without_a_width_is_said_in_a_line() -> None:
    network = nn.Sequential(nn.Flatten(), nn.Linear(4, 2))
    with pytest.raises(RequestError, match=r"cannot be widened: .*no layer that can") as error:
        factor_for_flops(network, 2, (1, 2, 2), 100)
    assert "\n" not in str(error.value)
