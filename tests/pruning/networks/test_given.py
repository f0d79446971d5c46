"""A network, or a function that makes one, in place of an architecture's name."""

from __future__ import annotations

import functools
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from pruning.core.errors import RequestError
from pruning.core.seeds import torch_generator
from pruning.networks.architecture import Architecture, architecture_name, build_network
from pruning.surgery.checking import check
from pruning.surgery.widening import factor_for_flops, widened

SHAPE = (1, 4, 4)


class Net(nn.Module):
    def __init__(self, num_classes: int = 3, input_shape: tuple[int, ...] = SHAPE) -> None:
        super().__init__()
        self.conv = nn.Conv2d(input_shape[0], 6, 3, padding=1)
        self.norm = nn.BatchNorm2d(6)
        self.output = nn.Linear(6 * 16, num_classes)

    def forward(self, x: Tensor) -> Tensor:
        hidden = self.norm(self.conv(x)).relu()
        return self.output(hidden.flatten(1))  # type: ignore[no-any-return]


def plain() -> nn.Module:
    return Net(3)


def sized(classes: int, shape: tuple[int, ...]) -> nn.Module:
    return Net(classes, shape)


def _equal(a: nn.Module, b: nn.Module) -> bool:
    left, right = a.state_dict(), b.state_dict()
    return left.keys() == right.keys() and all(torch.equal(left[k], right[k]) for k in left)


@pytest.mark.parametrize("make", [plain, sized, Net, functools.partial(Net), lambda: Net(3)])
def test_a_function_draws_by_the_runs_own_seed(make: Callable[..., nn.Module]) -> None:
    before = torch.random.get_rng_state()
    first, again, other, later = (
        build_network(make, 3, SHAPE, seed, k) for seed, k in ((1, 0), (1, 0), (2, 0), (1, 1))
    )
    assert torch.equal(before, torch.random.get_rng_state())
    assert _equal(first, again) and not _equal(first, other) and not _equal(first, later)
    with torch.random.fork_rng(devices=[]):
        torch.set_rng_state(torch_generator(1, "initial").get_state())
        assert _equal(first, Net(3)), "as the user's own seed would"


def test_a_function_is_told_the_classes_it_can_be_told() -> None:
    assert build_network(Net, 5, SHAPE, 0).output.out_features == 5  # type: ignore[union-attr]
    assert build_network(sized, 5, SHAPE, 0).output.out_features == 5  # type: ignore[union-attr]
    with pytest.raises(RequestError, match=r"'plain' makes outputs of shape \(3,\) per sample"):
        build_network(plain, 5, SHAPE, 0)


def test_a_networks_own_weights_are_theta_0_of_every_seed() -> None:
    given = Net().double().eval()
    state = {key: value.clone() for key, value in given.state_dict().items()}
    first, other = (build_network(given, 3, SHAPE, seed) for seed in (1, 2))
    assert _equal(first, other) and _equal(first, given.float())
    assert {p.dtype for p in first.parameters()} == {torch.float32}
    first.conv.weight.data.zero_()  # type: ignore[union-attr, operator]
    assert torch.equal(given.conv.weight, state["conv.weight"].float()), "a copy was made"


def test_a_network_is_drawn_anew_as_its_layers_draw_themselves() -> None:
    given = Net()
    given.norm.running_mean.fill_(7)  # type: ignore[union-attr, operator]
    before = torch.random.get_rng_state()
    one, again, other = (build_network(given, 3, SHAPE, *how) for how in ((1, 1), (1, 1), (2, 1)))
    assert torch.equal(before, torch.random.get_rng_state())
    assert _equal(one, again) and not _equal(one, other)
    assert not torch.equal(one.conv.weight, given.conv.weight)  # type: ignore[arg-type, union-attr]
    assert not one.norm.running_mean.any()  # type: ignore[operator, union-attr]
    with torch.random.fork_rng(devices=[]):
        torch.set_rng_state(torch_generator(1, "rewind", 1).get_state())
        assert torch.equal(one.conv.weight, Net().conv.weight)  # type: ignore[arg-type]


def test_weights_without_a_rule_cannot_be_drawn_anew() -> None:
    class Scaled(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.scale, self.rest = nn.Parameter(torch.ones(1)), Net()

        def forward(self, x: Tensor) -> Tensor:
            return self.rest(x * self.scale)  # type: ignore[no-any-return]

    build_network(Scaled(), 3, SHAPE, 0)
    with pytest.raises(RequestError, match=r"module '' \(Scaled\) has no reset_parameters"):
        build_network(Scaled(), 3, SHAPE, 0, 1)


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (5, "architecture is of type int; allowed are a name, a torch.nn.Module, and a function"),
        (lambda: 5, "returned int; expected a torch.nn.Module"),
        (lambda a, b, c: a, "cannot be built for 3 classes and samples of shape .*TypeError"),
        (nn.Linear(4, 3), r"'Linear' makes outputs of shape \(1, 4, 3\) per sample"),
        (nn.Linear(5, 3), "'Linear' cannot read samples of shape .*RuntimeError"),
        (nn.LSTM(4, 3), "'LSTM' cannot read samples"),
        (
            nn.Sequential(nn.Flatten(), nn.LSTM(16, 5)),
            r"'Sequential' makes outputs of shape \(5,\)",
        ),
    ],
)
def test_what_is_no_architecture_is_said_in_a_line(given: Architecture, says: str) -> None:
    with pytest.raises(RequestError, match=says) as caught:
        build_network(given, 3, SHAPE, 0)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("given", [Net(), Net, sized])
def test_what_takes_a_name_takes_these_too(given: Architecture) -> None:
    assert architecture_name(given) in ("Net", "sized")
    assert [group.units for group in check(given, SHAPE, 3).groups] == [6]
    wide = widened(given, 2.0, 3, SHAPE, seed=1)
    assert wide.conv.out_channels == wide.norm.num_features == 12  # type: ignore[union-attr]
    assert wide(torch.zeros(2, *SHAPE)).shape == (2, 3)
    flops = check(given, SHAPE, 3).cost.flops
    assert factor_for_flops(given, 3, SHAPE, 2 * flops) == pytest.approx(2, abs=0.1)


def test_a_network_is_checked_as_it_is_and_left_so() -> None:
    given = Net(7).train()
    state = {key: value.clone() for key, value in given.state_dict().items()}
    assert check(given, SHAPE).cost.params == sum(p.numel() for p in given.parameters())
    assert given.training and all(torch.equal(given.state_dict()[k], v) for k, v in state.items())
