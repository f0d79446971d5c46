"""What `settling` tries, each a function of runs, splits and settings that returns answers."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from averaging import Averaging
from torch import nn

from pruning import DropNet, Member, Splits, Target, Teaching
from pruning.core.seeds import torch_generator
from pruning.dropnet import Runs, dropnet
from pruning.inference import predict_probabilities
from pruning.inference.cost import count_cost
from pruning.networks.architecture import build_network
from pruning.surgery.widening import factor_for_flops, widened
from pruning.training import DeviceData, Training, train
from pruning.training.engines.loop import Loop

AUGMENTS = ("photo", "photo-cutout", "photo-mixup", "photo-cutmix", "photo-trivial")
PERTURB = 0.05
"""At which two unpruned networks disagree on 7 % of the digits that they were trained on, and not
on 0.5 % of them: looked up before anything was pruned."""
TEACHERS = {
    "none": Teaching(),
    "own": Teaching("own"),
    "ensemble": Teaching("ensemble"),
    "own, perturbed": Teaching("own", perturb=PERTURB),
    "ensemble, perturbed": Teaching("ensemble", perturb=PERTURB),
}
METRICS = ("minimum_layer", "taylor_layer", "l1_layer", "fpgm_layer")
COST, AT_THE_COST = 0.2, ("minimum", "minimum_layer", "random_layer", "taylor_layer", "fpgm_layer")
RECIPES: dict[str, dict[str, Any]] = {
    "adamw 0.002": {"optimizer": "adamw", "learning_rate": 0.002},
    "sgd 0.2": {"optimizer": "sgd", "learning_rate": 0.2, "weight_decay": 5e-4},
}
ROUNDS = 3
"""So many take `resnet20` to `COST` by thirds."""
LENGTHS = {20: ("fpgm_layer",), 50: ("fpgm_layer", "minimum"), 80: ("fpgm_layer",)}
Found = dict[str, np.ndarray]
"""What was tried → (M, N, C) probabilities of its networks."""


def teachers(runs: Runs, splits: Splits, settings: DropNet) -> Found:
    """Try who teaches networks that are pruned twice by a third of each layer."""
    unpruned = next(dropnet(runs, splits, settings))
    found = {"unpruned": probabilities(unpruned, splits)}
    for name, teaching in TEACHERS.items():
        taught = dataclasses.replace(settings, teaching=teaching)
        *_, pruned = dropnet(runs, splits, taught, start=unpruned)
        found[name] = probabilities(pruned, splits)
    return found


def metrics(runs: Runs, splits: Splits, settings: DropNet) -> Found:
    """Try what is dropped, twice a third of each layer."""
    unpruned, found = next(dropnet(runs, splits, settings)), {}
    for metric in METRICS:
        by = dataclasses.replace(settings, metric=metric)
        *_, pruned = dropnet(runs, splits, by, start=unpruned)
        found[metric] = probabilities(pruned, splits)
    return found


def at_equal_cost(runs: Runs, splits: Splits, settings: DropNet) -> Found:
    """Try what is dropped until as many FLOPs are left."""
    unpruned = next(dropnet(runs, splits, settings))
    return {
        metric: probabilities(at_the_cost(runs, splits, settings, metric, unpruned), splits)
        for metric in AT_THE_COST
    }


def at_the_cost(
    runs: Runs, splits: Splits, settings: DropNet, metric: str, unpruned: Sequence[Member]
) -> list[Member]:
    """Return the networks pruned by a metric until `COST` of their FLOPs are left."""
    to_the_cost = dataclasses.replace(
        settings, metric=metric, target=Target(flops=COST), keep=0.0, rounds=None
    )
    last = {member.run: member for member in unpruned}
    for standing in dropnet(runs, splits, to_the_cost, start=unpruned):
        last |= {member.run: member for member in standing}
    return list(last.values())


def lengths(runs: Runs, splits: Splits, settings: DropNet) -> Found:
    """Try how long each round trains, unpruned and pruned."""
    found = {}
    for epochs, by in LENGTHS.items():
        recipe = dataclasses.replace(settings.recipe, max_epochs=epochs)
        long = dataclasses.replace(settings, recipe=recipe)
        unpruned = next(dropnet(runs, splits, long))
        found[f"{epochs}, unpruned"] = probabilities(unpruned, splits)
        for metric in by:
            pruned = at_the_cost(runs, splits, long, metric, unpruned)
            found[f"{epochs}, {metric}"] = probabilities(pruned, splits)
    return found


def recipes(runs: Runs, splits: Splits, settings: DropNet) -> Found:
    """Try optimizers, unpruned and pruned to `COST`; for networks with batch norms."""
    return _trained_so(runs, splits, settings, RECIPES)


def small(runs: Runs, splits: Splits, settings: DropNet) -> Found:
    """Try networks that are as small from the start, for as many epochs as `recipes`', by SGD."""
    classes, shape = len(splits.classes), splits.input_shape
    whole = count_cost(build_network(runs.arch, classes, shape, 0), shape)
    factor = factor_for_flops(runs.arch, classes, shape, COST * whole.flops)
    epochs = settings.recipe.max_epochs or 0
    late = settings.rewinding.late_part_of(epochs) or 0
    networks = [widened(runs.arch, factor, classes, shape, seed) for seed in runs.seeds]
    recipe = dataclasses.replace(settings.recipe, **RECIPES["sgd 0.2"])
    training = Training(DeviceData.of(splits, "cpu"), recipe)
    for again in range(1 + ROUNDS):
        orders = [torch_generator(seed, "batches", again) for seed in runs.seeds]
        train(networks, orders, training, first=late if again else 0)
    return {"sgd 0.2, never pruned": np.stack([_of(network, splits) for network in networks])}


def augments(runs: Runs, splits: Splits, settings: DropNet) -> Found:
    """Try augmentations, unpruned and pruned to `COST`; strong ones want ``--epochs 50``."""
    return _trained_so(runs, splits, settings, {name: {"augment": name} for name in AUGMENTS})


def _trained_so(
    runs: Runs, splits: Splits, settings: DropNet, ways: Mapping[str, dict[str, Any]]
) -> Found:
    """Try what recipes differ in, unpruned and pruned to `COST`."""
    found = {}
    for name, values in ways.items():
        recipe = dataclasses.replace(settings.recipe, **values)
        so = dataclasses.replace(settings, recipe=recipe)
        unpruned = next(dropnet(runs, splits, so))
        found[f"{name}, unpruned"] = probabilities(unpruned, splits)
        pruned = at_the_cost(runs, splits, so, "fpgm_layer", unpruned)
        found[f"{name}, pruned"] = probabilities(pruned, splits)
    return found


def averages(runs: Runs, splits: Splits, settings: DropNet) -> Found:
    """Try averages of the weights over the steps of unpruned networks; they have no batch norms."""
    steps = math.ceil(len(splits.train) / 64) * (settings.recipe.max_epochs or 0)
    engines: list[Averaging] = []
    init = Loop.__init__

    def noted(self: Loop, *given: Any) -> None:
        init(self, *given)
        engines.append(Averaging(self.members, steps))

    Loop.__init__ = noted  # type: ignore[method-assign, assignment]
    try:
        unpruned = next(dropnet(runs, splits, dataclasses.replace(settings, rounds=0)))
    finally:
        Loop.__init__ = init  # type: ignore[method-assign]
    found = {"last": probabilities(unpruned, splits)}
    for name, networks in engines[0].networks():
        found[name] = np.stack([_of(network, splits) for network in networks])
    return found


TRIED: dict[str, Callable[[Runs, Splits, DropNet], Found]] = {
    "augment": augments,
    "average": averages,
    "teacher": teachers,
    "metric": metrics,
    "cost": at_equal_cost,
    "length": lengths,
    "recipe": recipes,
    "small": small,
}


def probabilities(members: Sequence[Member], splits: Splits) -> np.ndarray:
    """Return (M, N, C) of the photos that judge."""
    return np.stack([_of(member.network, splits) for member in members])


def _of(network: nn.Module, splits: Splits) -> np.ndarray:
    return predict_probabilities(network, splits.test.images, splits.scaling)
