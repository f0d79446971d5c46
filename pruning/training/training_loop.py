"""The training loop. It takes a population: G members, each with its own data order."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor, nn

from pruning.inference.stackable import stackable
from pruning.networks.weights import load_weights
from pruning.training.augmentation import draw_moves
from pruning.training.device_data import DeviceData
from pruning.training.engines.choice import choose_engine
from pruning.training.engines.engine import ENGINES, Engine
from pruning.training.recipe import Recipe

__all__ = ["DeviceData", "Epoch", "EpochHook", "Trained", "train"]

EpochHook = Callable[[int, list[int]], None]
"""Called after each epoch with its number and the rows still training."""


@dataclass(frozen=True)
class Epoch:
    """One pass over the training data: mean losses in nats, accuracy in 0..1."""

    train_loss: float
    val_loss: float
    val_accuracy: float


@dataclass
class Trained:
    """One member's training: the epochs seen, the weights kept, those asked for on the way."""

    epochs: list[Epoch] = field(default_factory=list)
    weights: dict[str, Tensor] = field(default_factory=dict)
    late_weights: dict[str, Tensor] = field(default_factory=dict)
    kept: Epoch | None = None
    waited: int = 0

    @property
    def val_accuracy(self) -> float:
        """Validation accuracy of the weights kept."""
        return self.kept.val_accuracy if self.kept else 0.0


def train(
    networks: Sequence[nn.Module],
    data: DeviceData,
    recipe: Recipe,
    generators: Sequence[torch.Generator],
    *,
    engine: str = "auto",
    epochs: int | None = None,
    late: int | None = None,
    on_epoch: EpochHook | None = None,
) -> list[Trained]:
    """Train a population; each network ends with the weights its recipe keeps, in eval mode.

    Parameters
    ----------
    networks
        G networks on the data's device, trained in place. Plain MLPs with the same layers
        (`pruning.inference.stackable`) train as one; widths may differ.
    data
        On the device.
    recipe
        The same for all.
    generators
        One a member, on the CPU: the order in which it sees the samples. It alone decides
        which member sees what, never the engine or the company it trains in.
    engine
        A name in `pruning.training.engines.engine.ENGINES`, or ``"auto"``.
    epochs
        Stop after so many of the recipe's epochs, on its schedule.
    late
        Note each member's weights after so many epochs, or at its end if that comes sooner.
    on_epoch
        Called with the epoch's number and the rows still training.

    Returns
    -------
    list of Trained
        In the order of `networks`. A member that has not improved for ``patience`` epochs
        leaves the population and stops costing.

    Warns
    -----
    UserWarning
        If the population does not fit into the device's memory: it is halved and goes on.
    """
    states = [generator.get_state() for generator in generators]
    try:
        return _train(networks, data, recipe, generators, engine, epochs, late, on_epoch)
    except torch.OutOfMemoryError:
        if len(networks) == 1:
            raise
    for generator, state in zip(generators, states, strict=True):
        generator.set_state(state)
    torch.cuda.empty_cache()
    half = (len(networks) + 1) // 2
    warnings.warn(
        f"{len(networks)} networks at once are too many for the device's memory: going on with "
        f"{half}; equal bytes are no longer promised",
        stacklevel=2,
    )
    results = []
    for rows in (range(half), range(half, len(networks))):
        results += train(
            [networks[r] for r in rows], data, recipe, [generators[r] for r in rows],
            engine=engine, epochs=epochs, late=late, on_epoch=_of_rows(on_epoch, rows),
        )  # fmt: skip
    return results


def _of_rows(on_epoch: EpochHook | None, rows: range) -> EpochHook | None:
    return on_epoch and (lambda epoch, own: on_epoch(epoch, [rows[i] for i in own]))


def _train(
    networks: Sequence[nn.Module],
    data: DeviceData,
    recipe: Recipe,
    generators: Sequence[torch.Generator],
    engine: str,
    epochs: int | None,
    late: int | None,
    on_epoch: EpochHook | None,
) -> list[Trained]:
    recipe = recipe.resolved(plain_mlp=stackable(networks[0]), samples=len(data.train_labels))
    device = data.train_images.device.type
    kind = ENGINES[choose_engine(engine, networks[0], device)]
    running = kind([copy.deepcopy(network) for network in networks], data, recipe)
    results = [Trained() for _ in networks]
    rows = list(range(len(networks)))
    last, patience = recipe.max_epochs or 0, recipe.patience or 0
    for epoch in range(last if epochs is None else min(last, epochs)):
        orders, moves = _draw(data, recipe, [generators[r] for r in rows])
        losses = running.epoch(orders, recipe.rate(epoch), moves)
        val = running.evaluate()
        for i, row in enumerate(rows):
            seen = Epoch(losses[i], val.losses[i], val.accuracies[i])
            _record(results[row], seen, running, i, recipe)
            if late is not None and epoch < late:
                results[row].late_weights = running.weights(i)
        if on_epoch:
            on_epoch(epoch, rows)
        staying = [i for i, row in enumerate(rows) if results[row].waited < patience]
        if not staying:
            break
        if len(staying) < len(rows):
            running.keep(staying)
            rows = [rows[i] for i in staying]
    for network, result in zip(networks, results, strict=True):
        load_weights(network, result.weights)
        network.eval()
    return results


def _draw(
    data: DeviceData, recipe: Recipe, generators: Sequence[torch.Generator]
) -> tuple[Tensor, Tensor | None]:
    """Draw an epoch: (G, N) orders, and (G, N, 3) moves where the recipe augments."""
    n, shape, device = len(data.train_labels), data.train_images.shape[1:], data.train_images.device
    orders, moves = [], []
    for generator in generators:
        orders.append(torch.randperm(n, generator=generator))
        if (drawn := draw_moves(recipe.augment, n, tuple(shape), generator)) is not None:
            moves.append(drawn)
    return torch.stack(orders).to(device), torch.stack(moves).to(device) if moves else None


def _record(result: Trained, seen: Epoch, running: Engine, row: int, recipe: Recipe) -> None:
    best = min((epoch.val_loss for epoch in result.epochs), default=np.inf)
    improved = seen.val_loss < best
    result.epochs.append(seen)
    result.waited = 0 if improved else result.waited + 1
    if improved or recipe.keep == "last" or not result.weights:
        result.weights = running.weights(row)
        result.kept = seen
