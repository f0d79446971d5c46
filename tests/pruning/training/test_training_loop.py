from __future__ import annotations

import copy
import dataclasses
import gc

import pytest
import torch
from pruning_support import blobs
from torch import nn

from pruning.core.errors import RequestError
from pruning.core.seeds import torch_generator
from pruning.core.settings_tree import made
from pruning.dropnet.settings import DropNet
from pruning.networks.architecture import build_network
from pruning.training.device_data import DeviceData
from pruning.training.engines.engine import Evaluation
from pruning.training.engines.stacked import Stacked
from pruning.training.recipe import RECIPES, Recipe
from pruning.training.training_loop import Training, train

RECIPE = Recipe(learning_rate=0.01, batch_size=16, max_epochs=6, patience=3)


def _data() -> DeviceData:
    return DeviceData.of(blobs(), "cpu")


def _networks(count: int) -> list[nn.Module]:
    return [build_network("mlp-a:6-5", 3, (1, 4, 4), seed) for seed in range(count)]


def _generators(count: int) -> list[torch.Generator]:
    return [torch_generator(seed, "batches") for seed in range(count)]


def test_a_population_learns_what_each_member_learns_alone() -> None:
    data, together = _data(), _networks(3)
    results = train(together, _generators(3), Training(data, RECIPE))
    for row, network in enumerate(_networks(3)):
        [alone] = train([network], [_generators(3)[row]], Training(data, RECIPE))
        assert len(alone.epochs) == len(results[row].epochs)
        for key, value in network.state_dict().items():
            torch.testing.assert_close(together[row].state_dict()[key], value, rtol=1e-3, atol=1e-4)


def test_samples_that_are_not_shuffled_are_read_as_they_lie() -> None:
    recipe = dataclasses.replace(RECIPE, shuffle=False)
    network, by_hand = _networks(2)[0], _networks(1)[0]
    [result] = train([network], _generators(1), Training(_data(), recipe), epochs=1)
    [again] = train([by_hand], _generators(2)[1:], Training(_data(), recipe), epochs=1)

    assert result.epochs == again.epochs  # whatever the generator
    for key, value in network.state_dict().items():
        assert torch.equal(value, by_hand.state_dict()[key])
    shuffled = _networks(1)
    [other] = train(shuffled, _generators(1), Training(_data(), RECIPE), epochs=1)
    assert other.epochs != result.epochs


def test_training_learns() -> None:
    recipe = dataclasses.replace(RECIPE, max_epochs=25)
    results = train(_networks(2), _generators(2), Training(_data(), recipe))
    assert all(result.val_accuracy > 0.9 for result in results)
    assert all(r.epochs[-1].train_loss < r.epochs[0].train_loss for r in results)


def test_the_same_generators_give_the_same_bytes() -> None:
    first, second = _networks(3), _networks(3)
    train(first, _generators(3), Training(_data(), RECIPE))
    train(second, _generators(3), Training(_data(), RECIPE))
    for a, b in zip(first, second, strict=True):
        assert all(torch.equal(v, b.state_dict()[k]) for k, v in a.state_dict().items())


def test_the_best_epochs_weights_are_kept_as_a_copy() -> None:
    # A rate that wrecks the weights later: the kept ones must be those of the best epoch.
    recipe = dataclasses.replace(RECIPE, learning_rate=0.5, patience=6, schedule="constant")
    data, networks = _data(), _networks(1)
    [result] = train(networks, _generators(1), Training(data, recipe))
    best = min(result.epochs, key=lambda epoch: epoch.val_loss)
    assert result.kept == best
    with torch.no_grad():
        logits = networks[0](data.scaling(data.val_images))
    loss = nn.functional.cross_entropy(logits, data.val_labels)
    assert loss.item() == pytest.approx(best.val_loss, rel=1e-4)


def test_keep_last_keeps_the_last() -> None:
    recipe = dataclasses.replace(RECIPE, keep="last")
    [result] = train(_networks(1), _generators(1), Training(_data(), recipe))
    assert result.kept == result.epochs[-1]


def test_a_member_stops_when_it_has_waited_long_enough_and_the_others_go_on() -> None:
    recipe = dataclasses.replace(
        RECIPE, max_epochs=40, patience=2, learning_rate=0.2, schedule="constant"
    )
    seen: list[list[int]] = []
    results = train(
        _networks(4),
        _generators(4),
        Training(_data(), recipe),
        on_epoch=lambda e, rows: seen.append(rows),
    )
    for row, result in enumerate(results):
        assert sum(row in rows for rows in seen) == len(result.epochs)
        if len(result.epochs) < recipe.max_epochs:
            losses = [epoch.val_loss for epoch in result.epochs]
            assert min(losses[-2:]) >= min(losses[:-2])
    assert len({len(result.epochs) for result in results}) > 1


def test_a_convolutional_network_trains_alone() -> None:
    network = build_network("conv-b:3-4", 3, (1, 4, 4), 0)
    before = copy.deepcopy(network.state_dict())
    [result] = train([network], _generators(1), Training(_data(), RECIPE))
    assert result.val_accuracy > 0.6
    assert all(not torch.equal(v, before[k]) for k, v in network.state_dict().items())
    assert not network.training


@pytest.mark.parametrize("setting", ["learning_rate", "batch_size", "max_epochs", "patience"])
def test_a_recipe_that_makes_no_sense_is_refused(setting: str) -> None:
    with pytest.raises(RequestError, match=f"`{setting}` 0: allowed "):
        Recipe(**{setting: 0})


def test_recipes_by_name() -> None:
    assert made(DropNet, {"recipe": "paper"}).recipe == RECIPES["paper"]
    assert (RECIPES["paper"].momentum, RECIPES["paper"].learning_rate) == (0, 0.1)
    with pytest.raises(RequestError, match="unknown recipe 'papre'; did you mean 'paper'"):
        made(DropNet, {"recipe": "papre"})


def test_training_begins_with_any_epoch_of_the_schedule() -> None:
    recipe = Recipe(
        optimizer="sgd", momentum=0.0, learning_rate=0.05, schedule="cosine", warmup=0,
        weight_decay=0.0, label_smoothing=0.0, batch_size=16, max_epochs=4, keep="last",
    )  # fmt: skip
    [whole], [halves] = _networks(1), _networks(1)
    [generator] = _generators(1)
    train([whole], _generators(1), Training(_data(), recipe))
    for first in (0, 2):
        [found] = train(
            [halves], [generator], Training(_data(), recipe), first=first, epochs=first + 2
        )
        assert len(found.epochs) == 2
    for key, value in whole.state_dict().items():
        torch.testing.assert_close(halves.state_dict()[key], value)


def test_a_population_too_large_for_the_device_is_halved_and_learns_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    whole, halved = _networks(5), _networks(5)
    expected = train(whole, _generators(5), Training(_data(), RECIPE))
    room, evaluate = 2, Stacked.evaluate

    def cramped(engine: Stacked) -> Evaluation:
        # Only now: generators must not be left where a failed attempt took them.
        found = evaluate(engine)
        vars(engine)["itself"] = engine  # as recorded steps refer to what they are steps of
        if len(found.losses) > room:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return found

    monkeypatch.setattr(Stacked, "evaluate", cramped)
    seen: set[int] = set()
    with pytest.warns(UserWarning, match="networks at once are too many") as warned:
        results = train(
            halved,
            _generators(5),
            Training(_data(), RECIPE),
            on_epoch=lambda _, rows: seen.update(rows),
        )
    assert [str(w.message).split(" ")[0] for w in warned] == ["5", "3"]
    told: list[tuple[int, int]] = []

    def on_halved(*found: int) -> None:
        told.append(found)
        alive = [one for one in gc.get_objects() if type(one) is Stacked]
        assert not alive, "what was too large is let go of first"

    quiet = Training(_data(), RECIPE, on_halved=on_halved)
    train(_networks(5), _generators(5), quiet)
    assert told == [(5, 3), (3, 2)]
    assert seen == set(range(5))
    for row, network in enumerate(whole):
        assert len(results[row].epochs) == len(expected[row].epochs)
        for key, value in network.state_dict().items():
            torch.testing.assert_close(halved[row].state_dict()[key], value, rtol=1e-3, atol=1e-4)
    room = 0
    with pytest.raises(torch.OutOfMemoryError):
        train(_networks(1), _generators(1), Training(_data(), RECIPE))


@pytest.mark.parametrize("engine", ["loop", "loop-bf16"])
def test_dropout_draws_alike_whatever_the_process_has_drawn(engine: str) -> None:
    def trained(run: int) -> dict[str, torch.Tensor]:
        network = nn.Sequential(nn.Flatten(), nn.Linear(16, 8), nn.Dropout(), nn.Linear(8, 3))
        with torch.no_grad():
            for number, parameter in enumerate(network.parameters()):
                parameter.copy_(
                    torch.linspace(-1, 1 + number, parameter.numel()).view_as(parameter)
                )
        before = torch.get_rng_state()
        train([network], [torch_generator(run, "batches")], Training(_data(), RECIPE, engine))
        assert torch.equal(torch.get_rng_state(), before)
        return network.state_dict()

    once = trained(0)
    torch.rand(5)
    again, other = trained(0), trained(1)
    assert all(torch.equal(once[key], again[key]) for key in once)
    assert not all(torch.equal(once[key], other[key]) for key in once)
