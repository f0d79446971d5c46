"""The runs of a curve: what each seed's networks reach on the test part, round by round."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from torch import nn

from pipelines.reproduction.claim import Curve, Figure
from pruning.core.seeds import torch_generator
from pruning.data.splits import Splits
from pruning.dropnet.algorithm import dropnet
from pruning.dropnet.fit import find_units
from pruning.dropnet.member import Member
from pruning.dropnet.population import Population, Runs
from pruning.dropnet.settings import DropNet
from pruning.inference.probabilities import predict_probabilities
from pruning.surgery import shrink
from pruning.training.device_data import DeviceData
from pruning.training.training_loop import Trained, Training, train

DIGITS = 5
"""Decimals that are kept of a share or an accuracy."""


@dataclass
class Run:
    """One seed's networks, a value a round.

    Attributes
    ----------
    seed
        Of its weights and the order of its samples.
    remaining
        Shares of the prunable units.
    accuracy, val_accuracy
        On the test and the validation part.
    epochs
        Of training; 0 in rounds after a layer was emptied.
    """

    seed: int
    remaining: list[float] = field(default_factory=list)
    accuracy: list[float] = field(default_factory=list)
    val_accuracy: list[float] = field(default_factory=list)
    epochs: list[int] = field(default_factory=list)

    def add(self, remaining: float, accuracy: float, val_accuracy: float, epochs: int) -> None:
        """Add a round."""
        self.remaining.append(round(remaining, DIGITS))
        self.accuracy.append(round(accuracy, DIGITS))
        self.val_accuracy.append(round(val_accuracy, DIGITS))
        self.epochs.append(epochs)

    def fill(self, remaining: Sequence[float], answer: float) -> None:
        """Add the rounds after a layer was emptied, in which all samples get one answer.

        Parameters
        ----------
        remaining
            Shares of all rounds that the curve has.
        answer
            How many samples of the test part that answer is right for, as a share.
        """
        for share in remaining[len(self.remaining) :]:
            self.add(share, answer, answer, 0)


def run_curve(
    figure: Figure,
    curve: Curve,
    seeds: Sequence[int],
    splits: Splits,
    *,
    device: str = "cpu",
    engine: str = "auto",
) -> Iterator[list[Run]]:
    """Train and prune one population of runs; yield them after each round, as far as they are.

    A run whose layer is emptied (`DropNet.spare_last`) has no further rounds (`Run.fill`).
    """
    runs = {seed: Run(seed) for seed in seeds}
    population = Runs(figure.arch, tuple(range(len(seeds))), tuple(seeds))
    redrawn = curve.start == "redrawn" and _Redrawn(population, splits, curve.settings, device)
    for members in dropnet(population, splits, curve.settings, device=device, engine=engine):
        results = redrawn.trained(members) if redrawn else [_of_member(m) for m in members]
        for member, (network, val_accuracy, epochs) in zip(members, results, strict=True):
            accuracy = test_accuracy(network, splits, device)
            runs[member.seed].add(member.remaining, accuracy, val_accuracy, epochs)
        yield list(runs.values())


def test_accuracy(network: nn.Module, splits: Splits, device: str) -> float:
    """Return the share of the test part that a network gets right."""
    found = predict_probabilities(network, splits.test.images, splits.scaling, device=device)
    return float(np.mean(found.argmax(1) == splits.test.labels))


def _of_member(member: Member) -> tuple[nn.Module, float, int]:
    return member.network, member.val_accuracy, len(member.epochs)


class _Redrawn:
    """Trains the masks of runs from fresh weights."""

    def __init__(self, runs: Runs, splits: Splits, settings: DropNet, device: str) -> None:
        self.population = Population(runs, len(splits.classes), splits.input_shape)
        self.training = Training(DeviceData.of(splits, device), settings.recipe)
        full = self.population.draw(0, 0)
        self.units = find_units(full, splits.input_shape, settings)

    def trained(self, members: Sequence[Member]) -> list[tuple[nn.Module, float, int]]:
        """Return each member's twin with its validation accuracy and epochs; round 0 is its own."""
        if members[0].round == 0:
            return [_of_member(member) for member in members]
        where = self.training.data.train_images.device
        networks = [
            shrink(self.population.draw(m.run, m.round), self.units.groups, self.units.cut(m.masks))
            .to(where)
            for m in members
        ]  # fmt: skip
        orders = [torch_generator(m.seed, "batches", m.round) for m in members]
        results: list[Trained] = train(networks, orders, self.training)
        return [
            (network, result.val_accuracy, len(result.epochs))
            for network, result in zip(networks, results, strict=True)
        ]


def as_asked(curve: Curve, rounds: int, epochs: int | None = None) -> Curve:
    """Return a curve that runs for so many rounds, and trains for at most so many epochs."""
    settings = dataclasses.replace(curve.settings, rounds=rounds)
    if epochs is not None:
        recipe = dataclasses.replace(settings.recipe, max_epochs=epochs)
        settings = dataclasses.replace(settings, recipe=recipe)
    return dataclasses.replace(curve, settings=settings)
