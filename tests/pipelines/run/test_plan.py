"""Which runs train together: every run once, in groups as full as the engine's limit allows."""

from __future__ import annotations

import math
from typing import Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from pipelines.run.config import BuildConfig, SelectionConfig
from pipelines.run.plan import Group, describe_groups, plan_groups, unnamed_optimizer
from pruning.dropnet import DropNet, Runs
from pruning.dropnet.settings import Rewinding
from pruning.networks.architecture import build_network
from pruning.training.engines.engine import ENGINES
from pruning.training.recipe import Recipe

ARCHS = ("mlp-a:3", "conv-b:2-2", "mlp-a:4")


def _plan(m: int, archs: tuple[str, ...] = ARCHS[:1], seed: int = 0) -> tuple[Group, ...]:
    config = BuildConfig(m=m, archs=archs, seed=seed, selection=SelectionConfig(size=1))
    return plan_groups(config, 3, (1, 8, 8), samples=300)


@settings(deadline=None)
@given(
    m=st.integers(3, 45),
    archs=st.lists(st.sampled_from(ARCHS), min_size=1, max_size=3, unique=True).map(tuple),
    seed=st.integers(0, 1000),
)
def test_every_run_stands_in_one_group_which_is_no_larger_than_its_engine_wants(
    m: int, archs: tuple[str, ...], seed: int
) -> None:
    groups = _plan(m, archs, seed)
    assert sorted(n for group in groups for n in group.runs.numbers) == list(range(m))
    for group in groups:
        assert len(group.runs.numbers) <= ENGINES[group.engine].group_size("cpu")
        for number, run_seed in zip(group.runs.numbers, group.runs.seeds, strict=True):
            assert run_seed == seed + number
            assert archs[number % len(archs)] == group.runs.arch


@settings(deadline=None)
@given(m=st.integers(3, 45), archs=st.sampled_from([ARCHS[:1], ARCHS[1:2], ARCHS]))
def test_there_are_no_more_groups_than_it_takes(m: int, archs: tuple[str, ...]) -> None:
    groups = _plan(m, archs)
    for arch in archs:
        own = [group for group in groups if group.runs.arch == arch]
        runs = sum(len(group.runs.numbers) for group in own)
        limits = {ENGINES[group.engine].group_size("cpu") for group in own}
        assert len(own) == (math.ceil(runs / limits.pop()))


def test_twenty_runs_on_a_processor_are_two_groups_of_ten() -> None:
    assert [group.runs.numbers for group in _plan(20)] == [
        tuple(range(10)), tuple(range(10, 20)),
    ]  # fmt: skip


def test_networks_that_cannot_be_stacked_train_one_by_one() -> None:
    assert [group.runs.numbers for group in _plan(3, ARCHS[1:2])] == [(0,), (1,), (2,)]


def test_a_group_survives_config_json() -> None:
    for group in _plan(13, ARCHS):
        assert Group.from_json(group.to_json()) == group


@pytest.mark.parametrize(
    ("sizes", "said"),
    [((2,), "2 runs of mlp-a on cpu by stacked"), ((10, 3), "13 runs of mlp-a on cpu by stacked")],
)
def test_how_runs_train_is_told_with_the_largest_group(sizes: tuple[int, ...], said: str) -> None:
    groups, first = [], 0
    for size in sizes:
        numbers = tuple(range(first, first + size))
        groups.append(Group(Runs("mlp-a", numbers, numbers), "stacked"))
        first += size
    (line,) = describe_groups(groups, "cpu")
    assert line.startswith(said)
    kind = "1 group of 2" if len(sizes) == 1 else "2 groups of up to 10"
    assert line.endswith(kind)


NORMED, PHOTOS = "resnet20:2-2-2", (3, 8, 8)


def _of_photos(
    arch: str | nn.Module = NORMED, dropnet: DropNet | None = None
) -> tuple[Group, BuildConfig]:
    selection = SelectionConfig(size=1)
    config = BuildConfig(m=1, archs=(arch,), dropnet=dropnet or DropNet(), selection=selection)
    (group,) = plan_groups(config, 3, PHOTOS, samples=300)
    return group, config


def _trains_by(group: Group, config: BuildConfig) -> str | None:
    recipe = group.settings(config).recipe
    return recipe.resolved(kind="normed", shape=PHOTOS, samples=300).optimizer


def test_networks_with_norms_train_by_sgd_and_older_runs_of_them_go_on_by_adamw() -> None:
    group, config = _of_photos()
    assert Group.from_json(group.to_json()) == group
    assert _trains_by(group, config) == "sgd"
    older = {name: value for name, value in group.to_json().items() if name != "normed_by_sgd"}
    assert _trains_by(Group.from_json(older), config) == "adamw"


@pytest.mark.parametrize("asked", [None, "sgd"])
def test_sgd_takes_its_usual_rate_whether_asked_or_by_default(asked: Literal["sgd"] | None) -> None:
    group, config = _of_photos(dropnet=DropNet(recipe=Recipe(optimizer=asked)))
    recipe = group.settings(config).recipe.resolved(kind="normed", shape=PHOTOS, samples=300)
    assert (recipe.optimizer, recipe.learning_rate) == ("sgd", 0.2)


@pytest.mark.parametrize(
    ("arch", "dropnet"),
    [
        (NORMED, DropNet(recipe=Recipe(optimizer="adamw"))),
        (NORMED, DropNet(recipe=Recipe(patience=3))),
        (NORMED, DropNet(init="weights.safetensors")),
        (NORMED, DropNet(init="weights.safetensors", rewinding=Rewinding("random"))),
        (build_network(NORMED, 3, PHOTOS, 0), None),
        ("conv-b:2-2", None),
    ],
)
def test_given_weights_and_what_is_asked_and_other_networks_do_not(
    arch: str | nn.Module, dropnet: DropNet | None
) -> None:
    group, config = _of_photos(arch, dropnet)
    assert "normed_by_sgd" not in group.to_json()
    assert _trains_by(group, config) == "adamw"


def test_a_rate_or_a_decay_that_sgd_takes_unasked_is_told() -> None:
    group, config = _of_photos(dropnet=DropNet(recipe=Recipe(learning_rate=0.002)))
    assert unnamed_optimizer(config, [group]) == [
        "`learning_rate` 0.002 is for sgd, the default of resnet20:2-2-2; name an `optimizer` if "
        "you mean another"
    ]
    both = Recipe(learning_rate=0.002, weight_decay=0.05)
    group, config = _of_photos(dropnet=DropNet(recipe=both))
    assert "0.002 and `weight_decay` 0.05 are for sgd" in unnamed_optimizer(config, [group])[0]


@pytest.mark.parametrize("recipe", [Recipe(), Recipe(optimizer="sgd", learning_rate=0.1)])
def test_nothing_is_told_of_an_optimizer_that_is_named_or_of_nothing_given(recipe: Recipe) -> None:
    group, config = _of_photos(dropnet=DropNet(recipe=recipe))
    assert unnamed_optimizer(config, [group]) == []
    other, config = _of_photos("conv-b:2-2", DropNet(recipe=Recipe(learning_rate=0.01)))
    assert unnamed_optimizer(config, [other]) == []
