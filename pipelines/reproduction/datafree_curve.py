"""Curves of data-free pruning: units of one trained layer removed, nothing retrained."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import nn

from pipelines.reproduction.accuracy import accuracy_on_test
from pipelines.reproduction.claim import QUICK_EPOCHS, Curve, CurveWork, Run
from pruning.core.seeds import torch_generator
from pruning.core.settings_json import from_json, to_json
from pruning.data.splits import Splits
from pruning.datafree.network import prune_data_free
from pruning.networks.architecture import build_network
from pruning.surgery import find_groups, full_masks, shrink
from pruning.training.device_data import DeviceData
from pruning.training.recipe import Recipe
from pruning.training.training_loop import Training, train

SRINIVAS_BABU = "Srinivas & Babu, Data-free Parameter Pruning for Deep Neural Networks, BMVC 2015"

CAFFE = Recipe(
    optimizer="sgd", learning_rate=0.04, momentum=0.9, weight_decay=5e-4, batch_size=128,
    max_epochs=4, patience=4, keep="last",
)  # fmt: skip
"""The paper names Caffe's LeNet and no recipe; this one was settled on seed 0, by its test
accuracy after removal."""

SPREAD = 0.0001
"""Standard deviation of the dense layers' first weights. The paper does not say it, and nothing
matters more: weights drawn small are forgotten, and units that learnt the same become the same."""

LAYER = "fc"
"""The layer that loses units."""


@dataclass(frozen=True)
class DataFreeCurve(Curve):
    """One way of choosing which units of the dense layer go.

    Attributes
    ----------
    how
        ``"exact"`` and ``"heuristic"`` merge units by these saliencies
        (`pruning.datafree.settings`); ``"magnitude"`` drops those of the smallest incoming
        weights, ``"random"`` any, and nothing is merged.
    recipe
        What the networks are trained by.
    """

    how: Literal["exact", "heuristic", "magnitude", "random"] = "exact"
    recipe: Recipe = CAFFE

    def asked(self, remaining: Sequence[float], *, quick: bool) -> DataFreeCurve:
        """Return the curve, trained for a few epochs where a look does."""
        if not quick:
            return self
        few = dataclasses.replace(self.recipe, max_epochs=QUICK_EPOCHS)
        return dataclasses.replace(self, recipe=few)

    def described(self) -> dict[str, Any]:
        """Return how units are chosen, and what the networks are trained by."""
        return {"how": self.how, "spread": SPREAD, "settings": to_json(self.recipe)}

    def today(self, header: Mapping[str, Any]) -> dict[str, Any]:
        """Return a header with the recipe's settings of this version."""
        return {**header, "settings": to_json(from_json(Recipe, header["settings"]))}

    def runs(self, work: CurveWork) -> Iterator[list[Run]]:
        """Train the networks once, then remove more and more units of each."""
        splits, device = work.splits, work.device
        networks = trained_lenets(work.arch, work.seeds, splits, device, self.recipe)
        runs = [Run(seed) for seed in work.seeds]
        for share in work.remaining:
            for run, (network, val_accuracy) in zip(runs, networks, strict=True):
                units = network.get_parameter(f"{LAYER}.weight").shape[0]
                gone = units - round(share * units)
                small = self.without(network, splits.input_shape, gone, run.seed)
                epochs = (self.recipe.max_epochs or 0) if share == 1 else 0
                run.add(share, accuracy_on_test(small, splits, device), val_accuracy, epochs)
            yield runs

    def without(
        self, network: nn.Module, input_shape: tuple[int, ...], count: int, seed: int = 0
    ) -> nn.Module:
        """Return a network without so many of the layer's units; it is left as it is.

        The seed draws which go where any may.
        """
        if not count:
            return network
        if self.how == "exact" or self.how == "heuristic":
            return prune_data_free(
                network, input_shape, count={LAYER: count}, saliency=self.how
            ).network
        weight = network.get_parameter(f"{LAYER}.weight").detach()
        drawn = torch.randperm(len(weight), generator=torch_generator(seed, "scores"))
        order = weight.norm(dim=1).argsort() if self.how == "magnitude" else drawn
        groups = find_groups(network, input_shape)
        masks = full_masks(groups)
        masks[LAYER][order[:count]] = False
        return shrink(network, groups, masks)


@functools.lru_cache(maxsize=1)
def trained_lenets(
    arch: str, seeds: tuple[int, ...], splits: Splits, device: str, recipe: Recipe
) -> list[tuple[nn.Module, float]]:
    """Return the networks of these seeds, on the CPU, with their validation accuracies.

    The last that were trained are kept: every curve of a figure removes units of the same.
    """
    networks = [build_network(arch, len(splits.classes), splits.input_shape, s) for s in seeds]
    for network in networks:
        draw_as_caffe(network)
    orders = [torch_generator(seed, "batches") for seed in seeds]
    networks = [network.to(device) for network in networks]
    results = train(networks, orders, Training(DeviceData.of(splits, device), recipe))
    return [(n.cpu(), r.val_accuracy) for n, r in zip(networks, results, strict=True)]


def draw_as_caffe(network: nn.Module, spread: float = SPREAD) -> None:
    """Bring convolutions to Caffe's variance, 1 / fan-in, and dense weights to `spread`.

    A spread of 0 leaves the dense weights as they are.
    """
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            module.weight.data.mul_(module.weight[0].numel() ** -0.5 / module.weight.data.std())
        elif isinstance(module, nn.Linear) and spread:
            module.weight.data.mul_(spread / module.weight.data.std())
