from __future__ import annotations

import pytest
import torch
from torch import nn

from pruning.networks.registry import build_network
from pruning.programs import Solo, Stacked, make_program, stackable


def _members() -> list[nn.Module]:
    return [
        build_network(arch, 3, (1, 2, 3), seed)
        for seed, arch in enumerate(["mlp-a:5-4", "mlp-a:2-6", "mlp-a:7-1"])
    ]


def test_stacked_members_of_different_widths_compute_what_each_does_alone() -> None:
    members = _members()
    inputs = torch.rand(3, 8, 1, 2, 3)
    together = Stacked(members)(inputs)
    for row, network in enumerate(members):
        torch.testing.assert_close(together[row], network(inputs[row]))


def test_gradients_are_each_members_own_and_padding_gets_none() -> None:
    members = _members()
    program = Stacked(members)
    inputs = torch.rand(3, 8, 1, 2, 3)
    program(inputs).square().sum().backward()
    weight, bias = program.parameters()[0], program.parameters()[3]
    for row, network in enumerate(members):
        network(inputs[row]).square().sum().backward()
        layer = network.get_submodule("fc1")
        out = layer.weight.shape[0]  # type: ignore[union-attr]
        torch.testing.assert_close(weight.grad[row, :out], layer.weight.grad)  # type: ignore[index]
        torch.testing.assert_close(bias.grad[row, 0, :out], layer.bias.grad)  # type: ignore[index]
        assert not weight.grad[row, out:].any()  # type: ignore[index]


def test_weights_come_back_without_the_padding() -> None:
    members = _members()
    program = Stacked(members)
    for row, network in enumerate(members):
        state = network.state_dict()
        assert {k: v.shape for k, v in program.weights(row).items()} == {
            k: v.shape for k, v in state.items()
        }
        assert all(torch.equal(program.weights(row)[k], v) for k, v in state.items())


def test_a_member_that_leaves_takes_nothing_with_it() -> None:
    members = _members()
    program = Stacked(members)
    inputs = torch.rand(3, 8, 1, 2, 3)
    before = program(inputs)
    program.keep([0, 2])
    torch.testing.assert_close(program(inputs[[0, 2]]), before[[0, 2]])
    assert program.weights(1)["fc1.weight"].shape == (7, 6)


@pytest.mark.parametrize(
    ("network", "expected"),
    [
        (nn.Sequential(nn.Flatten(), nn.Linear(4, 3), nn.ReLU(), nn.Linear(3, 2)), True),
        (nn.Sequential(nn.Linear(4, 3), nn.ReLU()), False),
        (nn.Sequential(nn.ReLU(), nn.Linear(4, 3)), False),
        (nn.Sequential(nn.Linear(4, 3), nn.Dropout(), nn.Linear(3, 2)), False),
        (nn.Linear(4, 3), False),
        (nn.Sequential(), False),
    ],
)
def test_what_can_be_stacked(network: nn.Module, expected: bool) -> None:
    assert stackable(network) is expected


def test_networks_that_cannot_be_stacked_train_alone() -> None:
    conv = build_network("conv-b:2-2", 3, (1, 4, 4), 0)
    assert isinstance(make_program([conv]), Solo)
    with pytest.raises(ValueError, match="cannot be stacked"):
        make_program([conv, conv])


def test_networks_with_other_layers_are_not_stacked() -> None:
    with pytest.raises(ValueError, match="same layers"):
        Stacked([build_network("mlp-a:3", 2, (4,), 0), build_network("mlp-a:3-3", 2, (4,), 0)])
