from __future__ import annotations

import copy
import dataclasses
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import torch
from pruning_support import blobs
from safetensors.torch import save_file
from torch import nn

from pruning.core.errors import RequestError
from pruning.core.stages import Stages
from pruning.dropnet import DropNet, Runs, dropnet
from pruning.dropnet.coupling import PrunableUnits
from pruning.dropnet.dropping import all_metrics
from pruning.dropnet.member import Member, handed_on
from pruning.dropnet.population import Population
from pruning.dropnet.rescaling import few_inputs, rescale
from pruning.dropnet.rewinding import FullWidth
from pruning.dropnet.settings import REWINDS, Rewind, Rewinding
from pruning.networks.architecture import build_network
from pruning.surgery import find_groups, shrink
from pruning.training.device_data import DeviceData
from pruning.training.recipe import Recipe
from pruning.training.trained import Epoch, Trained
from pruning.training.training_loop import Training, train

RUNS = Runs("mlp-a:10-8", (0, 1, 2), (5, 6, 7))
SETTINGS = DropNet(
    kappa=0.0, keep=0.3, recipe=Recipe(batch_size=16, max_epochs=3, learning_rate=0.01)
)


def _rounds(settings: DropNet = SETTINGS, runs: Runs = RUNS) -> list[tuple[Member, ...]]:
    return list(dropnet(runs, blobs(), settings))


def test_runs_are_numbered_from_0_and_seeded_from_the_seed_on() -> None:
    assert Runs.of("mlp-a", m=3, seed=4) == Runs("mlp-a", (0, 1, 2), (4, 5, 6))
    assert Runs.of("mlp-a") == Runs("mlp-a", (0,), (0,))
    with pytest.raises(RequestError, match="`m` 0: allowed whole numbers, 1 and more"):
        Runs.of("mlp-a", m=0)


def test_round_0_is_the_unpruned_network_and_masks_nest() -> None:
    rounds = _rounds()
    assert all(m.round == 0 and m.remaining == 1 for m in rounds[0])
    for before, after in pairwise(rounds):
        for old, new in zip(before, after, strict=True):
            assert (new.run, new.round) == (old.run, old.round + 1)
            dropped = 0
            for name, mask in new.masks.items():
                assert bool((mask <= old.masks[name]).all())
                dropped += int(old.masks[name].sum() - mask.sum())
            left = round(old.remaining * 18)
            assert dropped == max(1, int(0.2 * left))
    assert all(m.remaining <= 0.3 for m in rounds[-1])
    assert all(m.remaining > 0.3 for m in rounds[-2])


def test_a_run_ends_whose_layer_is_emptied_and_the_others_go_on() -> None:
    runs = Runs("mlp-a:2-16", tuple(range(6)), tuple(range(6)))
    settings = dataclasses.replace(SETTINGS, metric="maximum", spare_last=False, keep=0.0)
    last = {m.run: m for members in _rounds(settings, runs) for m in members}

    assert len({member.round for member in last.values()}) > 1
    for member in last.values():
        assert all(bool(mask.any()) for mask in member.masks.values())
    spared = {m.run: m for members in _rounds(dataclasses.replace(settings, spare_last=True), runs)
              for m in members}  # fmt: skip
    assert all(member.units == 2 for member in spared.values())


def test_the_network_is_physically_as_small_as_its_masks() -> None:
    for members in _rounds():
        for member in members:
            for name, mask in member.masks.items():
                layer = member.network.get_submodule(name)
                assert layer.weight.shape[0] == int(mask.sum())  # type: ignore[union-attr]
            assert not member.network.training


@pytest.mark.parametrize("rescaled", [False, True])
def test_each_round_starts_from_the_surviving_weights_of_theta_0(rescaled: bool) -> None:
    # A learning rate this small leaves the start readable in what comes out.
    settings = dataclasses.replace(
        SETTINGS, rewinding=Rewinding("initial", rescale=rescaled),
        recipe=Recipe(learning_rate=1e-12, max_epochs=1, attempts=1),
    )  # fmt: skip
    for members in _rounds(settings):
        for member in members:
            theta0 = build_network(member.arch, 3, (1, 4, 4), member.seed)
            groups = find_groups(theta0, (1, 4, 4))
            start = shrink(theta0, groups, member.masks)
            if rescaled and member.round:
                few = few_inputs(torch.tensor(blobs().train.images), blobs().scaling)
                start = rescale(start, theta0, groups, member.masks, few)
            for key, value in start.state_dict().items():
                torch.testing.assert_close(member.network.state_dict()[key], value)


def test_random_rewinding_starts_from_a_new_draw_at_full_width() -> None:
    settings = dataclasses.replace(
        SETTINGS,
        rewinding=Rewinding("random", rescale=False),
        rounds=1,
        recipe=Recipe(learning_rate=1e-12, max_epochs=1, attempts=1),
    )
    first, second = _rounds(settings)
    theta0 = build_network(RUNS.arch, 3, (1, 4, 4), 5)
    for key, value in theta0.state_dict().items():
        torch.testing.assert_close(first[0].network.state_dict()[key], value)
    member = second[0]
    drawn = build_network(member.arch, 3, (1, 4, 4), member.seed, 1)
    start = shrink(drawn, find_groups(drawn, (1, 4, 4)), member.masks)
    for key, value in start.state_dict().items():
        torch.testing.assert_close(member.network.state_dict()[key], value)


def test_a_network_that_has_not_left_chance_is_drawn_and_trained_anew(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Given weights are kept."""
    calls: list[list[nn.Module]] = []

    def train_and_spoil(networks: list[nn.Module], *words: Any, **more: Any) -> list[Trained]:
        calls.append([copy.deepcopy(network) for network in networks])
        results = train(networks, *words, **more)
        if len(calls) in (2, 3):  # round 1: its first attempt for all, its second for one
            results[-1].kept = Epoch(9.0, 9.0, 0.0)
        return results

    monkeypatch.setattr("pruning.dropnet.rounds.train", train_and_spoil)
    once = dataclasses.replace(SETTINGS, rounds=1, keep=0.0)
    _, members = _rounds(once)
    assert [len(networks) for networks in calls] == [len(members), len(members), 1, 1]
    assert [member.attempts for member in members] == [1] * (len(members) - 1) + [3]
    starts = [call[-1].get_parameter("fc2.weight") for call in calls[1:]]
    assert len({start.shape for start in starts}) == 1
    assert not any(torch.equal(a, b) for a, b in pairwise(starts))
    assert not members[-1].collapsed

    calls.clear()
    _, members = _rounds(
        dataclasses.replace(once, recipe=dataclasses.replace(once.recipe, attempts=1))
    )
    assert len(calls) == 2
    assert members[-1].collapsed

    calls.clear()
    given = tmp_path / "given.safetensors"
    save_file(build_network(RUNS.arch, 3, (1, 4, 4), 7).state_dict(), given)
    _rounds(dataclasses.replace(once, init=str(given), rewinding=Rewinding("initial")))
    starts = [call[-1].get_parameter("fc2.weight") for call in calls[1:]]
    assert len(starts) == 3
    assert all(torch.equal(a, b) for a, b in pairwise(starts))


def test_round_0_is_trained_once_though_it_has_not_left_chance(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It is the unpruned network: a better draw would be another baseline, of another seed."""
    calls = []

    def train_to_chance(networks: list[nn.Module], *words: Any, **more: Any) -> list[Trained]:
        calls.append(len(networks))
        results = train(networks, *words, **more)
        for result in results:
            result.kept = Epoch(9.0, 9.0, 0.0)
        return results

    monkeypatch.setattr("pruning.dropnet.rounds.train", train_to_chance)
    recipe = dataclasses.replace(SETTINGS.recipe, attempts=3)
    [members] = _rounds(dataclasses.replace(SETTINGS, rounds=0, recipe=recipe))
    assert calls == [3]
    assert all(member.collapsed and member.attempts == 1 for member in members)


def test_late_rewinding_goes_on_from_what_round_0_was_after_so_many_epochs() -> None:
    recipe = Recipe(batch_size=16, max_epochs=4, learning_rate=0.01)
    late = Rewinding("late", late_epochs=4)
    settings = dataclasses.replace(SETTINGS, rewinding=late, rounds=1, recipe=recipe)
    runs = Runs("mlp-a:10-8", (0,), (5,))
    data = DeviceData.of(blobs(), "cpu")
    full = FullWidth(Population(runs, 3, (1, 4, 4)), Training(data, recipe), late)
    last = dataclasses.replace(recipe, keep="last")
    [unpruned] = _rounds(dataclasses.replace(settings, rounds=0, recipe=last), runs)[0]
    for key, value in full.weights(0, 1).state_dict().items():
        assert torch.equal(unpruned.network.state_dict()[key], value)
    assert full.weights(0, 0) is full.theta0[0]
    assert len(_rounds(settings, runs)) == 2


STILL = Recipe(optimizer="sgd", learning_rate=1e-12, weight_decay=0.0, max_epochs=4, attempts=1)


@pytest.mark.parametrize("arch", ["mlp-a:10-8", "conv-b:6-5", "resnet20:4-6-8"])
@pytest.mark.parametrize("coupling", ["joint", "independent"])
def test_survivors_keep_the_weights_of_the_round_before(arch: str, coupling: str) -> None:
    settings = dataclasses.replace(
        SETTINGS, rounds=2, recipe=STILL, coupling=coupling,  # type: ignore[arg-type]
        rewinding=Rewinding("trained", rescale=False),
    )  # fmt: skip
    splits = blobs(shape=(1, 8, 8))
    first = build_network(arch, 3, (1, 8, 8), 5)
    groups = find_groups(first, (1, 8, 8))
    for (member,) in dropnet(Runs(arch, (0,), (5,)), splits, settings):
        units = PrunableUnits.of(groups, settings.coupling)
        kept = shrink(first, groups, units.cut(member.masks))
        units.write_silence(kept, member.masks)
        for name, value in kept.named_parameters():
            torch.testing.assert_close(member.network.get_parameter(name), value)


def test_the_rate_goes_back_and_the_rest_of_the_schedule_is_trained() -> None:
    recipe = Recipe(batch_size=16, max_epochs=8, learning_rate=0.01, patience=8)
    for rewinding, own, before in (
        (Rewinding("trained", late_epochs=3), 5, (0, 8, 13)),
        (Rewinding("trained"), 6, (0, 8, 14)),
        (Rewinding("trained", span="whole"), 8, (0, 8, 16)),
        (Rewinding("late", span="rest"), 6, (0, 2, 2)),
        (Rewinding("late"), 8, (0, 2, 2)),
        (Rewinding("initial"), 8, (0, 0, 0)),
    ):
        settings = dataclasses.replace(SETTINGS, rounds=2, recipe=recipe, rewinding=rewinding)
        members = [member for (member,) in _rounds(settings, Runs.of("mlp-a:10-8", seed=5))]
        assert [len(member.epochs) for member in members] == [8, own, own]
        assert tuple(member.epochs_before for member in members) == before
        assert members[-1].epochs_seen == before[-1] + own


def test_late_epochs_leave_something_to_train() -> None:
    settings = dataclasses.replace(SETTINGS, rewinding=Rewinding("trained", late_epochs=3))
    with pytest.raises(
        RequestError, match="`late_epochs` 3 leave nothing to train of the recipe's 3"
    ):
        _rounds(settings)
    with pytest.raises(RequestError, match="`span` 'rest' needs weights that have seen"):
        Rewinding("initial", span="rest")


@pytest.mark.parametrize("to", REWINDS)
def test_going_on_from_any_round_gives_what_the_whole_run_gave(to: Rewind) -> None:
    settings = dataclasses.replace(
        SETTINGS, rewinding=Rewinding(to, late_epochs=2 if to == "late" else None)
    )
    whole = _rounds(settings)
    for done in range(len(whole) - 1):
        rest = list(dropnet(RUNS, blobs(), settings, start=whole[done]))
        assert len(rest) == len(whole) - done - 1
        for members, again in zip(whole[done + 1 :], rest, strict=True):
            for a, b in zip(members, again, strict=True):
                assert a.epochs == b.epochs
                assert all(
                    torch.equal(v, b.network.state_dict()[k])
                    for k, v in a.network.state_dict().items()
                )


def test_a_run_stops_at_kappa_and_hands_on_the_smallest_that_held() -> None:
    settings = dataclasses.replace(SETTINGS, kappa=0.97, keep=0.0)
    by_run: dict[int, list[Member]] = {}
    for members in _rounds(settings):
        for member in members:
            by_run.setdefault(member.run, []).append(member)
    for rounds in by_run.values():
        baseline = rounds[0].val_accuracy
        assert all(m.baseline_accuracy == baseline for m in rounds)
        assert all(m.val_accuracy > 0.97 * baseline for m in rounds[1:-1])
        chosen = handed_on(rounds, 0.97)
        fell = rounds[-1].val_accuracy <= 0.97 * baseline and len(rounds) > 1
        assert chosen is rounds[-2 if fell else -1]


def test_a_run_ends_when_every_layer_is_down_to_one_unit() -> None:
    runs = Runs("mlp-a:2-2", (0,), (0,))
    rounds = _rounds(dataclasses.replace(SETTINGS, keep=0.0, fraction=0.5), runs)
    assert rounds[-1][0].remaining == 0.5
    assert rounds[-1][0].round == len(rounds) - 1 <= 3


def test_at_most_so_many_rounds() -> None:
    assert len(_rounds(dataclasses.replace(SETTINGS, rounds=2))) == 3
    assert len(_rounds(dataclasses.replace(SETTINGS, rounds=0))) == 1


@pytest.mark.parametrize(
    "metric", [metric for metric in all_metrics() if not metric.startswith("bn_scale")]
)
def test_every_metric_prunes_a_convolutional_network(metric: str) -> None:
    settings = dataclasses.replace(SETTINGS, metric=metric, rounds=1)
    first, second = _rounds(settings, Runs("conv-b:6-4", (0,), (1,)))
    dropped = 2 if not metric.endswith("_layer") else 1 + 1
    assert round((first[0].remaining - second[0].remaining) * 10) == dropped


def test_a_network_that_learns_nothing_is_called_collapsed() -> None:
    settings = dataclasses.replace(
        SETTINGS, rounds=0, recipe=Recipe(learning_rate=1e4, max_epochs=2, optimizer="sgd")
    )
    [members] = _rounds(settings)
    assert any(member.collapsed for member in members)
    assert not any(member.collapsed for member in _rounds()[0])


def test_a_rewinding_that_makes_no_sense_is_refused() -> None:
    with pytest.raises(RequestError, match="unknown rewind 'latte'; did you mean 'late'"):
        Rewinding("latte")  # type: ignore[arg-type]
    with pytest.raises(RequestError, match="`late_epochs` 0: allowed 1 and more"):
        Rewinding("late", 0)
    with pytest.raises(RequestError, match="`late_epochs` 3 belongs to late rewinding, and rounds"):
        Rewinding("initial", 3)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"metric": "minimun"}, "unknown metric 'minimun'; did you mean 'minimum'"),
        ({"fraction": 0.0}, "`fraction` 0.0: allowed more than 0, less than 1"),
        ({"fraction": 1.0}, "`fraction` 1.0: allowed more than 0, less than 1"),
        ({"kappa": 1.5}, "`kappa` 1.5: allowed 0 to 1"),
        ({"keep": -0.1}, "`keep` -0.1: allowed 0 to 1"),
        ({"rounds": -1}, "`rounds` -1: allowed 0 and more"),
    ],
)
def test_settings_that_make_no_sense_are_refused(change: dict[str, object], message: str) -> None:
    with pytest.raises(RequestError, match=message):
        dataclasses.replace(SETTINGS, **change)  # type: ignore[arg-type]


def test_every_epoch_is_told_and_every_second_has_its_stage() -> None:
    """Also of late weights that a resumed run trains anew."""
    late = dataclasses.replace(SETTINGS, rewinding=Rewinding("late", late_epochs=1), rounds=1)
    told: list[tuple[int, int]] = []
    stages = Stages()
    rounds = dropnet(
        RUNS, blobs(), late, stages=stages, on_epoch=lambda k, epoch, _: told.append((k, epoch))
    )
    first = next(rounds)
    taken = stages.taken()
    assert taken["training"] > 0 and taken["data"] > 0 and "scoring" not in taken
    [second] = list(rounds)
    assert {"training", "scoring", "cutting"} <= set(stages.taken())
    epochs = {0: max(len(m.epochs) for m in first), 1: max(len(m.epochs) for m in second)}
    assert told == [(k, epoch) for k, count in epochs.items() for epoch in range(count)]
    told.clear()
    list(dropnet(RUNS, blobs(), late, start=first, stages=stages,
                 on_epoch=lambda k, epoch, _: told.append((k, epoch))))  # fmt: skip
    assert told == [(0, 0), *((1, epoch) for epoch in range(epochs[1]))]
