"""Runs that train as one population, and the full-width weights that they begin with."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np
from torch import nn

from pruning.core.errors import RequestError
from pruning.core.seeds import checked_seed
from pruning.dropnet.settings import DropNet
from pruning.networks.architecture import Architecture, architecture_name, build_network
from pruning.networks.weights import start_from
from pruning.training.recipe import Recipe


@dataclass(frozen=True)
class Runs:
    """The runs that train as one population.

    Attributes
    ----------
    arch
        One architecture for all: a name, a network, or a function that makes one
        (`pruning.networks.architecture.build_network`).
    numbers, seeds
        Each run's number in the pool and its own seed.

    >>> Runs.of("mlp-a", 3, seed=7)
    Runs(arch='mlp-a', numbers=(0, 1, 2), seeds=(7, 8, 9))
    """

    arch: Architecture
    numbers: tuple[int, ...]
    seeds: tuple[int, ...]

    def __post_init__(self) -> None:
        if not self.numbers or len(self.numbers) != len(self.seeds):
            raise RequestError(
                f"{len(self.numbers)} runs with {len(self.seeds)} seeds; allowed are 1 or more "
                "runs, each with a seed"
            )
        architecture_name(self.arch)

    @classmethod
    def of(cls, arch: Architecture, m: int = 1, *, seed: int = 0) -> Runs:
        """Return m runs, numbered from 0; run i has the seed ``seed + i``."""
        if not isinstance(m, int | np.integer) or isinstance(m, bool) or m < 1:
            raise RequestError(f"`m` {m!r}: allowed whole numbers, 1 and more")
        first = checked_seed(seed)
        return cls(arch, tuple(range(m)), tuple(range(first, first + int(m))))

    def seed_of(self, number: int) -> int:
        """Return the seed of a run."""
        return self.seeds[self.numbers.index(number)]


@dataclass(frozen=True)
class Population:
    """Runs, and what their full-width networks are made for and from.

    Attributes
    ----------
    runs
        Architecture, numbers and seeds.
    num_classes, input_shape
        Number of logits; (C, H, W) or (F,).
    init
        A file or name (`pruning.networks.weights`) whose weights are θ0 of every run, in place
        of a draw.
    """

    runs: Runs
    num_classes: int
    input_shape: tuple[int, ...]
    init: str | None = None

    @property
    def weights_are_given(self) -> bool:
        """Whether θ0 is not drawn: weights come from `init`, or with a network."""
        return weights_are_given(self.runs.arch, self.init)

    def theta0(self) -> dict[int, nn.Module]:
        """Return each run's initial full-width network, by its number."""
        networks = {run: self.draw(run, 0) for run in self.runs.numbers}
        if self.init is not None:
            for network in networks.values():
                start_from(network, self.init)
        return networks

    def draw(self, run: int, key: int) -> nn.Module:
        """Return a draw of a run's weights at full width; another key is another draw."""
        return build_network(
            self.runs.arch, self.num_classes, self.input_shape, self.runs.seed_of(run), key
        )


def weights_are_given(arch: Architecture, init: str | None) -> bool:
    """Whether θ0 of an architecture is not drawn: weights come from `init`, or with a network."""
    return init is not None or isinstance(arch, nn.Module)


def starting_recipe(settings: DropNet, arch: Architecture) -> Recipe:
    """Return what an architecture trains by: of given weights, no large steps by default."""
    recipe = settings.starting_recipe
    if weights_are_given(arch, settings.init):
        return dataclasses.replace(recipe, normed_by_sgd=False)
    return recipe
