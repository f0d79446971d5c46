"""Pruned networks that are taught: by whom, and the same again from any round on."""

from __future__ import annotations

import math

import pytest
import torch
from pruning_support import blobs

from pruning.core.errors import RequestError
from pruning.dropnet.algorithm import dropnet
from pruning.dropnet.member import Member
from pruning.dropnet.population import Runs
from pruning.dropnet.settings import DropNet
from pruning.dropnet.teaching import Teacher, Teaching
from pruning.training.recipe import Recipe

RUNS = Runs.of("mlp-a:8-6", 3, seed=5)


def _settings(teacher: Teacher, augment: str = "none", **more: float) -> DropNet:
    recipe = Recipe(learning_rate=0.01, batch_size=16, max_epochs=2, augment=augment)
    teaching = Teaching(teacher, **more)
    return DropNet(kappa=0.0, keep=0.0, rounds=2, recipe=recipe, teaching=teaching)


def _same(one: Member, other: Member) -> bool:
    ours, others = one.network.state_dict(), other.network.state_dict()
    return all(torch.equal(ours[key], others[key]) for key in ours | others)


@pytest.mark.parametrize("teacher", ["own", "ensemble"])
@pytest.mark.parametrize("perturb", [0.0, 0.1])
def test_a_taught_run_goes_on_to_the_same_bytes(teacher: Teacher, perturb: float) -> None:
    splits, settings = blobs(), _settings(teacher, perturb=perturb)
    rounds = list(dropnet(RUNS, splits, settings))
    untaught = list(dropnet(RUNS, splits, _settings("none")))
    for run in range(3):
        assert _same(rounds[0][run], untaught[0][run]), "unpruned networks have no teacher"
        assert not _same(rounds[1][run], untaught[1][run])
    for start in (0, 1):
        first, *_ = dropnet(RUNS, splits, settings, start=rounds[start], unpruned=rounds[0])
        assert all(map(_same, first, rounds[start + 1]))


def test_own_teachers_do_not_know_of_each_other_and_an_ensemble_does() -> None:
    splits, alone = blobs(), Runs(RUNS.arch, RUNS.numbers[:1], RUNS.seeds[:1])
    found = {}
    for teacher in ("own", "ensemble"):
        settings = _settings(teacher)
        unpruned, together, *_ = dropnet(RUNS, splits, settings)
        member, *_ = next(dropnet(alone, splits, settings, start=unpruned[:1]))
        taught_by_all, *_ = next(
            dropnet(alone, splits, settings, start=unpruned[:1], unpruned=unpruned)
        )
        close = [
            all(
                torch.allclose(other.network.state_dict()[key], value, rtol=1e-3, atol=1e-4)
                for key, value in together[0].network.state_dict().items()
            )
            for other in (member, taught_by_all)
        ]
        found[teacher] = close
    assert found == {"own": [True, True], "ensemble": [False, True]}


@pytest.mark.parametrize("teacher", ["own", "ensemble"])
@pytest.mark.parametrize(
    ("arch", "augment"), [("mlp-a:8-6", "none"), ("conv-b:3-4", "photo-mixup")]
)
def test_samples_are_moved_by_each_run_s_own_draws(
    teacher: Teacher, arch: str, augment: str
) -> None:
    """So a run learns the same alone, and which others there are matters only if they teach."""
    splits, runs = blobs(), Runs.of(arch, 3, seed=5)
    settings = _settings(teacher, augment, perturb=0.1)
    unpruned, together, *_ = dropnet(runs, splits, settings, engine="loop")
    still, *_ = dropnet(runs, splits, _settings(teacher, augment), start=unpruned, engine="loop")
    for row in (0, 2):
        alone = Runs(runs.arch, runs.numbers[row : row + 1], runs.seeds[row : row + 1])
        taught = unpruned if teacher == "ensemble" else unpruned[row : row + 1]
        member, *_ = next(
            dropnet(
                alone, splits, settings, start=unpruned[row : row + 1], unpruned=taught,
                engine="loop",
            )
        )  # fmt: skip
        assert _same(member, together[row])
        assert not _same(member, still[row])


def test_what_goes_on_from_a_pruned_round_asks_for_its_teachers() -> None:
    splits, settings = blobs(), _settings("own")
    _, pruned, *_ = dropnet(RUNS, splits, settings)
    for unpruned in ((), pruned, pruned[:1]):
        with pytest.raises(RequestError, match="`teacher` 'own': a population that goes on"):
            next(dropnet(RUNS, splits, settings, start=pruned, unpruned=unpruned))


def test_samples_are_moved_for_a_teacher() -> None:
    with pytest.raises(RequestError, match="moves samples for a teacher, and there is none"):
        Teaching(perturb=0.1)
    assert Teaching("own", perturb=1).perturb == 1.0


@pytest.mark.parametrize(
    "wrong",
    [
        {"teacher": "owl"}, {"weight": 0.0}, {"weight": 1.1}, {"temperature": 0.0},
        *({"teacher": "own", "perturb": length} for length in (-0.1, math.nan, math.inf, "far")),
    ],
)  # fmt: skip
def test_wrong_settings_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(RequestError):
        Teaching(**wrong)  # type: ignore[arg-type]
