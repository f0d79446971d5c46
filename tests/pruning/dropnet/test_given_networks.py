"""DropNet on a network of the user's, or a function that makes one."""

from __future__ import annotations

import dataclasses

import pytest
import torch
from pruning_support import blobs
from torch import Tensor, nn

from pruning.core.errors import RequestError
from pruning.dropnet import DropNet, Member, Rewinding, Runs, dropnet
from pruning.networks.architecture import Architecture, build_network
from pruning.surgery import find_groups, shrink
from pruning.training.recipe import Recipe

SHAPE = (1, 4, 4)
STILL = Recipe(learning_rate=1e-12, weight_decay=0.0, max_epochs=1, attempts=1)
SETTINGS = DropNet(kappa=0.0, keep=0.3, rounds=2, recipe=Recipe(batch_size=16, max_epochs=2))


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv, self.norm = nn.Conv2d(1, 6, 3, padding=1), nn.BatchNorm2d(6)
        self.hidden, self.output = nn.Linear(6 * 16, 9), nn.Linear(9, 3)

    def forward(self, x: Tensor) -> Tensor:
        x = self.norm(self.conv(x)).relu().flatten(1)
        return self.output(self.hidden(x).relu())  # type: ignore[no-any-return]


def _mlp(num_classes: int, input_shape: tuple[int, ...]) -> nn.Module:
    return build_network("mlp-a:10-8", num_classes, input_shape, 4)


def _started(network: Architecture, rewinding: str, seed: int = 3) -> list[Member]:
    """Members trained so little that what they started from can be read off."""
    settings = dataclasses.replace(
        SETTINGS, rounds=1, recipe=STILL, rewinding=Rewinding(rewinding, rescale=False)  # type: ignore[arg-type]
    )  # fmt: skip
    return [member for (member,) in dropnet(Runs.of(network, seed=seed), blobs(), settings)]


def _same(a: nn.Module, b: nn.Module) -> bool:
    left, right = dict(a.named_parameters()), dict(b.named_parameters())
    return all(torch.allclose(left[k], right[k], atol=1e-6) for k in left)


@pytest.mark.parametrize("given", [Net(), Net, _mlp])
def test_a_network_prunes_without_a_name(given: Architecture) -> None:
    before = torch.random.get_rng_state()
    rounds = list(dropnet(given, blobs(), SETTINGS))
    assert torch.equal(before, torch.random.get_rng_state())
    assert [len(members) for members in rounds] == [1, 1, 1]
    units = [member.units for (member,) in rounds]
    assert units[0] == sum(m.numel() for m in rounds[0][0].masks.values())
    assert units[1] == units[0] - max(1, int(0.2 * units[0]))
    assert all(0 <= member.val_accuracy <= 1 for (member,) in rounds)
    again = list(dropnet(given, blobs(), SETTINGS))
    for (one,), (other,) in zip(rounds, again, strict=True):
        assert one.epochs == other.epochs


def test_the_network_given_is_theta_0_of_every_run_and_left_as_it_is() -> None:
    given = Net()
    state = {key: value.clone() for key, value in given.state_dict().items()}
    for seed in (3, 4):
        first, second = _started(given, "initial", seed)
        assert first.arch == "Net" and _same(first.network, given)
        groups = find_groups(given, SHAPE)
        assert _same(second.network, shrink(given, groups, second.masks))
    assert given.training
    assert all(torch.equal(given.state_dict()[key], value) for key, value in state.items())


def test_runs_of_a_network_differ_in_the_order_of_their_samples() -> None:
    settings = dataclasses.replace(SETTINGS, rounds=0)
    [(one, other)] = list(dropnet(Runs.of(Net(), 2), blobs(), settings))
    assert not _same(one.network, other.network)
    assert one.epochs != other.epochs


def test_random_rewinding_draws_a_network_anew_by_the_runs_own_seed() -> None:
    given = Net()
    _, one = _started(given, "random", 3)
    _, again = _started(given, "random", 3)
    _, other = _started(given, "random", 4)
    groups = find_groups(given, SHAPE)
    drawn = build_network(given, 3, SHAPE, 3, 1)
    assert _same(one.network, shrink(drawn, groups, one.masks))
    assert not _same(one.network, shrink(given, groups, one.masks))
    assert _same(one.network, again.network)
    assert one.masks.keys() == other.masks.keys() and not _same(one.network, other.network)


def test_a_collapsed_network_that_was_given_is_trained_again_from_the_same_weights() -> None:
    hopeless = Recipe(learning_rate=1e-12, weight_decay=0.0, max_epochs=1, attempts=3)
    settings = dataclasses.replace(
        SETTINGS, rounds=1, recipe=hopeless, rewinding=Rewinding("initial", rescale=False)
    )
    dead = Net()
    nn.init.zeros_(dead.output.weight)
    (_,), (member,) = dropnet(dead, blobs(), settings)
    assert member.collapsed and member.attempts == 3
    assert _same(member.network, shrink(dead, find_groups(dead, SHAPE), member.masks))


def test_a_network_in_double_precision_trains_in_single() -> None:
    (member,) = next(dropnet(Net().double().eval(), blobs(), SETTINGS))
    assert {p.dtype for p in member.network.parameters()} == {torch.float32}


@pytest.mark.parametrize(
    ("runs", "says"),
    [
        (nn.Linear(16, 3), "'Linear' cannot read samples of shape|'Linear' makes outputs"),
        (nn.Sequential(nn.Flatten(), nn.Linear(16, 3)), "Sequential has no layer that can be"),
        (_mlp(4, SHAPE), "makes outputs"),
        ("mlp-b", "unknown architecture 'mlp-b'"),
        (None, "architecture is of type NoneType"),
    ],
)  # fmt: skip
def test_what_cannot_be_pruned_is_said_before_training(runs: Architecture, says: str) -> None:
    with pytest.raises(RequestError, match=says):
        next(dropnet(runs, blobs(), SETTINGS))


def test_arrays_in_place_of_splits_are_told_how_to_become_some() -> None:
    X, y = torch.zeros(20, 3), torch.arange(20) % 2
    with pytest.raises(RequestError, match=r"`splits` is a tuple; .*Splits\.from_arrays\(X, y\)"):
        next(dropnet("mlp-a:4-4", (X, y), SETTINGS))  # type: ignore[arg-type]


def test_runs_that_make_no_sense_are_refused() -> None:
    with pytest.raises(RequestError, match="`m` 0: allowed whole numbers, 1 and more"):
        Runs.of("mlp-a", 0)
    with pytest.raises(RequestError, match="2 runs with 1 seeds"):
        Runs("mlp-a", (0, 1), (0,))
