from __future__ import annotations

import dataclasses
import re

import pytest
from pruning_support import blobs

from pruning.core.errors import RequestError
from pruning.dropnet import DropNet, Runs, dropnet
from pruning.dropnet.aim import Aim
from pruning.dropnet.coupling import PrunableUnits
from pruning.dropnet.dropping import drop_units
from pruning.dropnet.fit import likely_rounds
from pruning.dropnet.member import Member
from pruning.dropnet.target import MemberTarget, Target
from pruning.inference.cost import count_cost
from pruning.networks.architecture import build_network
from pruning.surgery import find_groups
from pruning.training.device_data import DeviceData
from pruning.training.recipe import Recipe

SHAPE = (1, 8, 8)
SETTINGS = DropNet(recipe=Recipe(max_epochs=1, batch_size=16, attempts=1))


def _rounds(arch: str, **changes: object) -> list[Member]:
    settings = dataclasses.replace(SETTINGS, **changes)  # type: ignore[arg-type]
    splits = blobs(shape=SHAPE)
    return [member for (member,) in dropnet(Runs.of(arch), splits, settings)]


@pytest.mark.parametrize("metric", ["minimum", "minimum_layer"])
@pytest.mark.parametrize("arch", ["mlp-a:30-20", "conv-b:12-16", "resnet20:4-8-8"])
@pytest.mark.parametrize("target", [Target(flops=0.3), Target(bytes=0.3)])
def test_a_run_ends_where_its_network_costs_what_was_asked(
    arch: str, metric: str, target: Target
) -> None:
    members = _rounds(arch, target=target, metric=metric)
    costs = [count_cost(member.network, SHAPE) for member in members]
    spent = [cost.flops if target.flops else cost.bytes for cost in costs]
    assert spent[-1] <= 0.3 * spent[0] < spent[-2]


def test_the_last_round_drops_no_more_units_than_it_must() -> None:
    members = _rounds("conv-b:40-40", target=Target(flops=0.4))
    last, before = members[-1], members[-2]
    assert before.units - last.units < int(0.2 * before.units)
    groups = find_groups(build_network("conv-b:40-40", 3, SHAPE, 0), SHAPE)
    units = PrunableUnits.of(groups, "joint")
    data = DeviceData.of(blobs(shape=SHAPE), "cpu").train_samples
    aim = Aim.of(Target(flops=0.4), members[0].network, SHAPE)
    assert aim is not None
    assert aim.met_under(before, units, last.masks)
    fewer = dataclasses.replace(SETTINGS, fraction=(before.units - last.units - 0.5) / before.units)
    assert not aim.met_under(before, units, drop_units(before, units, data, fewer))


def test_a_target_sets_aside_what_would_stop_a_run_by_default_alone() -> None:
    asked = dataclasses.replace(SETTINGS, target=Target(flops=0.3))
    assert (asked.least_held, asked.least_kept) == (0.0, 0.0)
    explicit = dataclasses.replace(asked, kappa=0.9, keep=0.7)
    assert (explicit.least_held, explicit.least_kept) == (0.9, 0.7)
    assert (SETTINGS.least_held, SETTINGS.least_kept) == (SETTINGS.kappa, SETTINGS.keep)


@pytest.mark.parametrize("share", [0.1, 0.3, 0.6])
@pytest.mark.parametrize("arch", ["mlp-a:30-20", "conv-b:30-30"])
def test_about_as_many_rounds_are_expected_as_are_taken(arch: str, share: float) -> None:
    asked = dataclasses.replace(SETTINGS, target=Target(flops=share), metric="minimum_layer")
    network = build_network(arch, 3, SHAPE, 0)
    expected = likely_rounds(network, SHAPE, asked)
    taken = len(_rounds(arch, target=asked.target, metric=asked.metric)) - 1
    assert expected is not None
    assert abs(taken - expected) <= 1
    assert likely_rounds(network, SHAPE, dataclasses.replace(asked, rounds=1)) == 1


def test_without_a_target_rounds_alone_say_how_many_there_are() -> None:
    network = build_network("mlp-a:8-6", 3, SHAPE, 0)
    assert likely_rounds(network, SHAPE, SETTINGS) is None
    assert likely_rounds(network, SHAPE, dataclasses.replace(SETTINGS, rounds=4)) == 4
    whole = dataclasses.replace(SETTINGS, target=Target(flops=1.0))
    assert likely_rounds(network, SHAPE, whole) == 0


def test_a_whole_network_asks_for_nothing_to_be_cut() -> None:
    assert [member.round for member in _rounds("mlp-a:8-6", target=Target(flops=1.0))] == [0]


def test_the_teams_share_is_divided_among_its_members() -> None:
    of_twenty = {"m": 20, "s": 5}
    assert Target(flops=0.05).of_member(20, 5) == MemberTarget(flops=0.2, **of_twenty)
    assert Target(flops=0.5).of_member(20, 5) == MemberTarget(flops=1.0, **of_twenty)
    assert Target(bytes=1e6).of_member(20, 5) == MemberTarget(bytes=2e5, **of_twenty)
    assert not Target().of_member(20, 5).given


def test_what_cannot_be_reached_is_refused_before_training() -> None:
    with pytest.raises(RequestError, match=r"`target_flops` leaves 0\.001 of the FLOPs to each"):
        _rounds("mlp-a:8-6", target=Target(flops=0.001))
    with pytest.raises(RequestError, match="`target_bytes` leaves 2 bytes to each network"):
        _rounds("mlp-a:8-6", target=Target(bytes=2.0))


def test_the_least_that_can_be_asked_is_one_unit_per_layer() -> None:
    """Two FLOPs per weight: 64·8 + 8·6 + 6·3 whole, 64·1 + 1·1 + 1·3 at the least."""
    network = build_network("mlp-a:8-6", 3, SHAPE, 0)
    groups = find_groups(network, SHAPE)
    for flops in (136, 137):
        aim = Aim.of(Target(flops=flops), network, SHAPE)
        assert aim is not None
        aim.check(network, groups)
    aim = Aim.of(Target(flops=135), network, SHAPE)
    assert aim is not None
    with pytest.raises(RequestError, match=r"takes 136 \(0\.118 of the unpruned network's 1,156"):
        aim.check(network, groups)


@pytest.mark.parametrize("name", ["flops", "bytes"])
@pytest.mark.parametrize("too_little", [0.001, 2.0])
@pytest.mark.parametrize(("m", "s"), [(1, 1), (20, 5), (4, 3)])
def test_the_least_that_a_refusal_names_is_enough(
    name: str, too_little: float, m: int, s: int
) -> None:
    network = build_network("mlp-a:8-6", 3, SHAPE, 0)
    groups = find_groups(network, SHAPE)

    def check(most: float) -> None:
        aim = Aim.of(Target(**{name: most}).of_member(m, s), network, SHAPE)
        assert aim is not None
        aim.check(network, groups)

    with pytest.raises(RequestError, match="ask for at least") as refused:
        check(too_little)
    said = re.search("ask for at least ([^,]+),", str(refused.value))
    assert said is not None
    check(float(said[1]))
    with pytest.raises(RequestError):
        check(0.99 * float(said[1]))


@pytest.mark.parametrize("cost", ["flops", "bytes"])
@pytest.mark.parametrize("value", [0, -1, float("nan"), float("inf")])
def test_what_is_no_target_is_refused(value: float, cost: str) -> None:
    with pytest.raises(RequestError, match=rf"`{cost}` .*: allowed"):
        Target(**{cost: value})


def test_two_targets_are_one_too_many() -> None:
    said = "two targets; a run has one.*`max_flops` or `max_bytes`, which are absolute numbers"
    with pytest.raises(RequestError, match=said):
        Target(flops=0.1, bytes=0.1)
