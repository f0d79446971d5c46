"""Curves that DropNet makes: the published recipe's, and the project's own."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from torch import nn

from pipelines.reproduction.accuracy import accuracy_on_test
from pipelines.reproduction.claim import OURS_SUFFIX, QUICK_EPOCHS, Curve, CurveWork, Figure, Run
from pruning.core.seeds import torch_generator
from pruning.core.settings_json import from_json, to_json
from pruning.dropnet.algorithm import dropnet
from pruning.dropnet.fit import find_units
from pruning.dropnet.member import Member
from pruning.dropnet.population import Population, Runs
from pruning.dropnet.settings import DropNet, Rewinding
from pruning.surgery import shrink
from pruning.training.device_data import DeviceData
from pruning.training.recipe import RECIPES
from pruning.training.training_loop import Training, train

TAN_MOTANI = (
    "Tan & Motani, DropNet: Reducing Neural Network Complexity via Iterative Pruning, ICML 2020"
)

PAPER = DropNet(
    score_mode="published",
    spare_last=False,
    kappa=0.0,
    keep=0.0,
    rewinding=Rewinding("initial", rescale=False),
    recipe=dataclasses.replace(RECIPES["paper"], shuffle=False),
)
"""Training, scores and masks of the published code of Tan & Motani 2020."""

OURS = DropNet(kappa=0.0, keep=0.0)
"""The project's defaults, as far down as the published curves go."""

METRICS = (
    "minimum", "minimum_layer", "random", "random_layer", "maximum", "maximum_layer",
)  # fmt: skip
"""The six metrics of the paper: what is dropped first, over all layers or within each."""

METRIC_PAIRS = tuple(
    (better + end, worse + end)
    for end in ("", "_layer")
    for better, worse in (("minimum", "random"), ("random", "maximum"))
)
"""The paper's words: the least active units first is best, at random between, the most last."""


@dataclass(frozen=True)
class DropNetCurve(Curve):
    """One curve of DropNet.

    Attributes
    ----------
    settings
        What Algorithm 1 is run with.
    start
        ``"own"`` where each round starts as the settings say; ``"redrawn"`` where the masks of
        those runs are trained from fresh weights, as in the paper's control.
    """

    settings: DropNet = PAPER
    start: Literal["own", "redrawn"] = "own"

    def asked(self, remaining: Sequence[float], *, quick: bool) -> DropNetCurve:
        """Return the curve with as many rounds as were published, or a few short ones."""
        settings = dataclasses.replace(self.settings, rounds=len(remaining) - 1)
        if quick:
            recipe = dataclasses.replace(settings.recipe, max_epochs=QUICK_EPOCHS)
            settings = dataclasses.replace(settings, recipe=recipe)
        return dataclasses.replace(self, settings=settings)

    def described(self) -> dict[str, Any]:
        """Return where rounds start, and all settings."""
        return {"start": self.start, "settings": to_json(self.settings)}

    def today(self, header: Mapping[str, Any]) -> dict[str, Any]:
        """Return a header with the settings of this version."""
        return {**header, "settings": to_json(from_json(DropNet, header["settings"]))}

    def runs(self, work: CurveWork) -> Iterator[list[Run]]:
        """Train and prune one population of runs.

        A run whose layer is emptied (`DropNet.spare_last`) has no further rounds (`Run.fill`).
        """
        runs, splits = {seed: Run(seed) for seed in work.seeds}, work.splits
        population = Runs(work.arch, tuple(range(len(work.seeds))), work.seeds)
        redrawn = self.start == "redrawn" and _Redrawn(population, work, self.settings)
        for members in dropnet(population, splits, self.settings, device=work.device):
            results = redrawn.trained(members) if redrawn else [_of_member(m) for m in members]
            for member, (network, val_accuracy, epochs) in zip(members, results, strict=True):
                accuracy = accuracy_on_test(network, splits, work.device)
                runs[member.seed].add(member.remaining, accuracy, val_accuracy, epochs)
            yield list(runs.values())


def metric_curves(
    fraction: float = 0.2, metrics: Sequence[str] = METRICS
) -> tuple[DropNetCurve, ...]:
    """Return a curve for each metric as published, and one by the project's own recipe."""
    return tuple(
        DropNetCurve(
            metric + suffix,
            "" if suffix else metric,
            dataclasses.replace(settings, metric=metric, fraction=fraction),
        )
        for suffix, settings in (("", PAPER), (OURS_SUFFIX, OURS))
        for metric in metrics
    )


LAST_KEPT = DropNetCurve(
    "maximum_kept", "maximum", dataclasses.replace(PAPER, metric="maximum", spare_last=True)
)
"""The most active first, as published, but that each layer keeps its last unit."""


def shuffled(curve: DropNetCurve) -> DropNetCurve:
    """Return a curve whose samples come in a new order in every epoch, else as published.

    The published code does not see to that; some published curves are better met so.
    """
    recipe = dataclasses.replace(curve.settings.recipe, shuffle=True)
    settings = dataclasses.replace(curve.settings, recipe=recipe)
    return DropNetCurve(f"{curve.name}_shuffled", curve.published or curve.name, settings)


def _of_member(member: Member) -> tuple[nn.Module, float, int]:
    return member.network, member.val_accuracy, len(member.epochs)


class _Redrawn:
    """Trains the masks of runs from fresh weights."""

    def __init__(self, runs: Runs, work: CurveWork, settings: DropNet) -> None:
        splits = work.splits
        self.population = Population(runs, len(splits.classes), splits.input_shape)
        self.training = Training(DeviceData.of(splits, work.device), settings.recipe)
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
        results = train(networks, orders, self.training)
        return [
            (network, result.val_accuracy, len(result.epochs))
            for network, result in zip(networks, results, strict=True)
        ]


def of_three_networks(
    first: int, curves: tuple[Curve, ...], mlp_seeds: int = 15
) -> tuple[Figure, ...]:
    """Return the figures of one question on the paper's three small networks.

    Parameters
    ----------
    first
        Number of the first; the others follow.
    curves
        Of each.
    mlp_seeds
        Runs of the first, which two cores make.
    """
    return (
        Figure("mlp-20-20", "FC20, FC20 on MNIST", f"figure {first}", "mlp-a:20-20", "mnist",
               curves, mlp_seeds),
        Figure("conv-64-64", "C64, C64 on MNIST", f"figure {first + 1}", "conv-b", "mnist", curves),
        Figure("conv-64-64-128-128", "C64, C64, C128, C128 on CIFAR-10", f"figure {first + 2}",
               "conv-c4", "cifar10", curves),
    )  # fmt: skip
