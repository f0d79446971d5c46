"""A latency is said in FLOPs before training: by a clock that here goes by the FLOPs."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray
from pruning_support import blobs
from torch import nn

from pruning.core.errors import RequestError
from pruning.dropnet import DropNet, Runs, dropnet
from pruning.dropnet.fast_enough import in_flops
from pruning.dropnet.target import Target
from pruning.inference.cost import count_cost
from pruning.networks.architecture import build_network
from pruning.surgery import find_groups
from pruning.training.recipe import Recipe

SHAPE = (1, 8, 8)
OVERHEAD = 500.0
"""FLOPs' worth of time that a network of any width takes."""
ARCHS = ["mlp-a:30-20", "conv-b:12-16", "resnet20:4-8-8"]


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Return how many networks were timed each time; a microsecond is a FLOP."""
    timed: list[int] = []

    def measured(networks: Sequence[nn.Module], shape: tuple[int, ...]) -> NDArray[np.float64]:
        timed.append(len(networks))
        return np.array([_milliseconds(network, shape) / 1e3 for network in networks])

    monkeypatch.setattr("pruning.dropnet.fast_enough.measure_latencies", measured)
    return timed


def _milliseconds(network: nn.Module, shape: tuple[int, ...] = SHAPE) -> float:
    return (count_cost(network, shape).flops + OVERHEAD) / 1e3


def _found(arch: str, target: Target, **changes: object) -> float:
    settings = dataclasses.replace(DropNet(target=target), **changes)  # type: ignore[arg-type]
    found = in_flops(settings, build_network(arch, 3, SHAPE, 0), SHAPE)
    assert found.target.latency is None and found.target.bytes is None
    assert found.target.flops is not None
    assert dataclasses.replace(found, target=target) == settings, "nothing else changes"
    return found.target.flops


@pytest.mark.parametrize("arch", ARCHS)
@pytest.mark.parametrize("share", [0.3, 0.7])
def test_the_widest_network_that_is_fast_enough_is_found(arch: str, share: float) -> None:
    whole = _milliseconds(build_network(arch, 3, SHAPE, 0))
    flops = _found(arch, Target(latency=share))
    assert (flops + OVERHEAD) / 1e3 <= share * whole
    wider = _found(arch, Target(latency=min(1.0, 1.5 * share)))
    assert (wider + OVERHEAD) / 1e3 > share * whole, "half as much again is too much"


def test_milliseconds_are_the_teams_and_shares_are_of_all() -> None:
    whole = _milliseconds(build_network("conv-b:12-16", 3, SHAPE, 0))
    alone = _found("conv-b:12-16", Target(latency=0.4))
    for target in (
        Target(latency=0.1).of_member(20, 5),
        Target(latency=2.0 * whole).of_member(9, 5),
    ):
        assert _found("conv-b:12-16", target) == alone
    assert 2.0 * whole > 1, "which would be a share"


def test_a_network_that_is_fast_enough_is_left_whole(clock: list[int]) -> None:
    network = build_network("mlp-a:30-20", 3, SHAPE, 0)
    for target in (Target(latency=1.0), Target(latency=0.5).of_member(8, 2)):
        assert _found("mlp-a:30-20", target) == count_cost(network, SHAPE).flops


def test_a_noisy_clock_refuses_nothing_where_nothing_has_to_be_cut(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    slow = "pruning.dropnet.fast_enough.measure_latencies"
    monkeypatch.setattr(slow, lambda nets, shape: np.arange(1.0, 1.0 + len(nets)))
    network = build_network("mlp-a:30-20", 3, SHAPE, 0)
    assert _found("mlp-a:30-20", Target(latency=1.0)) == count_cost(network, SHAPE).flops


def test_widths_are_the_multiples_that_are_asked_for() -> None:
    rounded = _found("mlp-a:32-32", Target(latency=0.5), round_to=8)
    widths = [(a, b) for a in range(8, 33, 8) for b in range(8, 33, 8)]
    assert rounded in [2.0 * (64 * a + a * b + 3 * b) for a, b in widths]


@pytest.mark.parametrize("arch", ARCHS)
@pytest.mark.parametrize("latency", [0.001, 1.001])
@pytest.mark.parametrize(("m", "s"), [(1, 1), (20, 5)])
def test_what_is_too_fast_is_refused_with_the_least_that_is_enough(
    arch: str, latency: float, m: int, s: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    if latency > 1:  # a slower clock: milliseconds are too few only where networks take more
        slow = "pruning.dropnet.fast_enough.measure_latencies"
        monkeypatch.setattr(slow, lambda nets, shape: np.array([_milliseconds(n) for n in nets]))
    with pytest.raises(RequestError, match="`target_latency` leaves") as refused:
        _found(arch, Target(latency=latency).of_member(m, s))
    said = re.search("ask for at least ([^,]+), or for a smaller", str(refused.value))
    assert said is not None
    least = float(said[1])
    assert (least > 1) == (latency > 1)
    _found(arch, Target(latency=least).of_member(m, s))


def test_a_run_ends_at_the_flops_that_were_fast_enough(clock: list[int]) -> None:
    arch, target = "conv-b:12-16", Target(latency=0.4)
    recipe = Recipe(max_epochs=1, batch_size=16, attempts=1)
    settings = DropNet(target=target, recipe=recipe, metric="minimum_layer")
    members = [member for (member,) in dropnet(Runs.of(arch), blobs(shape=SHAPE), settings)]
    flops = [count_cost(member.network, SHAPE).flops for member in members]
    assert flops[-1] <= _found(arch, target) < flops[-2]


def test_other_targets_ask_no_clock(clock: list[int]) -> None:
    network = build_network("mlp-a:8-6", 3, SHAPE, 0)
    for target in (Target(), Target(flops=0.3), Target(bytes=0.3)):
        settings = DropNet(target=target)
        assert in_flops(settings, network, SHAPE) is settings
    assert clock == []
    assert find_groups(network, SHAPE), "something could be cut"


@pytest.mark.parametrize("other", ["flops", "bytes"])
def test_a_latency_beside_another_target_is_one_too_many(other: str) -> None:
    with pytest.raises(
        RequestError, match=f"`target_{other}` 0.1 and `target_latency` 0.2 are two"
    ):
        Target(**{other: 0.1, "latency": 0.2})


def test_three_targets_are_two_too_many() -> None:
    with pytest.raises(RequestError, match=r"are three targets; a run has one: leave two out, and"):
        Target(flops=0.1, bytes=0.1, latency=0.1)


@pytest.mark.parametrize("value", [0, -1, float("nan"), float("inf")])
def test_what_is_no_latency_is_refused(value: float) -> None:
    with pytest.raises(RequestError, match=r"`latency` .*: allowed"):
        Target(latency=value)
