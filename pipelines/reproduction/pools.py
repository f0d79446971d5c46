"""Pools of networks trained for a study, and how accurate teams of them are."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from torch import nn

from pruning.core.seeds import numpy_generator
from pruning.data.splits import Split, Splits
from pruning.dropnet.algorithm import dropnet
from pruning.dropnet.population import Runs
from pruning.dropnet.settings import DropNet
from pruning.inference.probabilities import predict_probabilities
from pruning.training.recipe import Recipe
from selection.methods.method import METHODS
from selection.pool import PoolPredictions
from selection.search.accuracy import TeamAccuracy

APART = 1000
"""Members' seeds of two pools are so far apart."""


@dataclasses.dataclass(frozen=True, eq=False)
class TrainedPool:
    """A pool's predictions on what chooses and on what judges."""

    select: PoolPredictions
    test: PoolPredictions

    def accuracy(self, teams: Sequence[Sequence[int]] | NDArray[np.int64]) -> NDArray[np.float64]:
        """Return (T,) test accuracies of teams (T, S) by the mean of their probabilities."""
        rows = np.asarray(teams)
        right = TeamAccuracy(self.test, "mean", rows.shape[1]).right(rows)
        return np.asarray(right / len(self.test.labels))


def trained_pool(
    arch: str,
    members: int,
    seed: int,
    splits: Splits,
    train: int,
    device: str,
    epochs: int | None = None,
) -> TrainedPool:
    """Train a pool by the project's defaults on a draw of the training samples.

    Parameters
    ----------
    arch, members
        What is trained, and how many.
    seed
        Of the draw, and from ``APART * seed`` on of the members.
    splits
        What is drawn from; all of ``val`` stops, all of ``select`` chooses.
    train
        Samples to draw; no more than there are.
    device
        Where to train.
    epochs
        Of each network; None: as many as the project's defaults.
    """
    data = drawn_training(splits, train, seed)
    numbers = tuple(range(members))
    runs = Runs(arch, numbers, tuple(APART * seed + i for i in numbers))
    settings = DropNet(rounds=0, recipe=Recipe(max_epochs=epochs))
    ((*trained,),) = dropnet(runs, data, settings, device=device)
    return pool_of([member.network for member in trained], splits, device)


def drawn_training(splits: Splits, train: int, seed: int) -> Splits:
    """Return the splits with ``train`` of their training samples, or all where there are fewer."""
    whole = len(splits.train.labels)
    drawn = numpy_generator(seed, "split").choice(whole, min(train, whole), replace=False)
    part = Split(splits.train.images[drawn], splits.train.labels[drawn])
    return dataclasses.replace(splits, train=part)


def pool_of(networks: Sequence[nn.Module], splits: Splits, device: str) -> TrainedPool:
    """Return what trained networks answer on the select and the test part."""
    made = {
        name: np.stack([
            predict_probabilities(network, part.images, splits.scaling, device=device)
            for network in networks
        ])
        for name, part in (("select", splits.select), ("test", splits.test))
    }  # fmt: skip
    ids = tuple(str(number) for number in range(len(networks)))
    return TrainedPool(
        PoolPredictions(made["select"], splits.select.labels, ids, "select"),
        PoolPredictions(made["test"], splits.test.labels, ids, "test"),
    )


def best_of_every_size(name: str, pool: TrainedPool, seed: int) -> tuple[int, ...]:
    """Return the most accurate on ``select`` of a method's teams, the smallest of equals.

    Parameters
    ----------
    name
        Of `METHODS`; asked for a team of two, of three, up to all members but one.
    pool, seed
        What it chooses from, and its seed.
    """
    found = [
        METHODS[name](size=size, seed=seed).fit_pool(pool.select)
        for size in range(2, len(pool.select.probabilities))
    ]
    best = max(found, key=lambda method: (method.accuracy_, -len(method.team_)))
    return tuple(best.team_)
