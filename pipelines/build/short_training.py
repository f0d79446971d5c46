"""A short training of one group, beside the build's: what profiles and estimates look at.

Nothing that is built depends on it.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import nn

from pipelines.build.device import on
from pipelines.run.plan import Group
from pipelines.run.resolved import ResolvedConfig
from pruning.core.seeds import set_back, torch_generator
from pruning.core.threads import threads
from pruning.data.splits import Splits
from pruning.dropnet.population import Population, starting_recipe
from pruning.training import DeviceData, Recipe, Training, train
from pruning.training.training_loop import resolved_recipe


@dataclass(frozen=True, eq=False)
class ShortTraining:
    """The unpruned networks of a group, and what trains them.

    Attributes
    ----------
    networks, generators
        One for each run, on the device; on the processor.
    training
        With all of the data.
    recipe
        Resolved.
    """

    networks: list[nn.Module]
    generators: list[torch.Generator]
    training: Training
    recipe: Recipe

    @property
    def batch(self) -> int:
        """Samples per step and network."""
        return self.recipe.batch_size or 1

    @property
    def steps(self) -> int:
        """Steps of a whole epoch."""
        return math.ceil(len(self.training.data.train_labels) / self.batch)

    def run(
        self, steps: int, epochs: int, on_epoch: Callable[[], None], validation: int | None = None
    ) -> int:
        """Train for so many epochs of so many steps; return the steps of each.

        Validation is on `validation` samples, or on as many as train.
        """
        samples = steps * self.batch
        data = _first(self.training.data, samples, samples if validation is None else validation)
        longer = dataclasses.replace(
            self.recipe,
            max_epochs=max(epochs, self.recipe.max_epochs or 0),
            patience=self.recipe.patience and epochs,
        )
        short = dataclasses.replace(
            self.training, data=data, recipe=longer, on_halved=_told_by_the_build
        )
        train(
            self.networks, self.generators, short,
            epochs=epochs, on_epoch=lambda *_: on_epoch(),
        )  # fmt: skip
        return math.ceil(len(data.train_labels) / self.batch)


@contextmanager
def short_training(
    group: Group, resolved: ResolvedConfig, splits: Splits, device: str
) -> Iterator[ShortTraining]:
    """Yield a short training of a group; torch's generators are set back afterwards."""
    cards = [torch.device(device)] if torch.device(device).type == "cuda" else []
    # Dropout draws from torch's own generators.
    kept = set_back(cards)
    with on(device), threads(group.threads), kept:
        settings, runs = group.settings(resolved.config), group.runs
        population = Population(runs, len(resolved.classes), resolved.input_shape, settings.init)
        networks = [network.to(device) for network in population.theta0().values()]
        recipe = starting_recipe(settings, runs.arch)
        training = Training(DeviceData.of(splits, device), recipe, group.engine)
        generators = [torch_generator(seed, "batches") for seed in runs.seeds]
        yield ShortTraining(networks, generators, training, resolved_recipe(training, networks[0]))
        # Another process may train on this card.
        torch.cuda.empty_cache()


def _told_by_the_build(networks: int, half: int) -> None:
    """Say nothing: what is too many here is too many in the build, which says so."""


def _first(data: DeviceData, samples: int, validation: int) -> DeviceData:
    """Return the first training and validation samples."""
    return dataclasses.replace(
        data,
        train_images=data.train_images[:samples],
        train_labels=data.train_labels[:samples],
        val_images=data.val_images[:validation],
        val_labels=data.val_labels[:validation],
    )
