"""The training loop, for a population: G members, each with its data order."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from pruning.core.seeds import noise_generator, seeded
from pruning.inference.stackable import stackable
from pruning.networks.weights import load_weights
from pruning.training.augmenter import Augmenter
from pruning.training.device_data import DeviceData
from pruning.training.engines.choosing import choose_engine
from pruning.training.engines.engine import ENGINES, Engine
from pruning.training.halving import HalvedHook, warn_halved
from pruning.training.lesson import Lesson
from pruning.training.recipe import Recipe

EpochHook = Callable[[int, list[int]], None]
"""Called after each epoch with its number and the rows still training."""


@dataclass(frozen=True, eq=False)
class Training:
    """What a population trains on, and how.

    Attributes
    ----------
    data
        On the device.
    recipe
        The same for all.
    engine
        A name in `pruning.training.engines.engine.ENGINES`, or ``"auto"``.
    on_halved
        Called where a population is too large for the device's memory, before it goes on.
    """

    data: DeviceData
    recipe: Recipe
    engine: str = "auto"
    on_halved: HalvedHook = warn_halved


@dataclass(frozen=True)
class Epoch:
    """One pass over the training data: mean losses in nats, accuracy in 0..1.

    With balanced class weights, the validation's are means over the classes of each class's.
    """

    train_loss: float
    val_loss: float
    val_accuracy: float


@dataclass
class Trained:
    """One member's training.

    Attributes
    ----------
    epochs
        What each epoch gave.
    weights, kept
        The state dict that the recipe keeps, and the epoch that it is of.
    late_weights
        The state dict after so many epochs as `train` was asked for; else empty.
    waited
        Epochs since the validation loss last improved.
    """

    epochs: list[Epoch] = field(default_factory=list)
    weights: dict[str, Tensor] = field(default_factory=dict)
    kept: Epoch | None = None
    late_weights: dict[str, Tensor] = field(default_factory=dict)
    waited: int = 0

    @property
    def val_accuracy(self) -> float:
        """Validation accuracy of the weights kept."""
        return self.kept.val_accuracy if self.kept else 0.0


def train(
    networks: Sequence[nn.Module],
    generators: Sequence[torch.Generator],
    training: Training,
    *,
    first: int = 0,
    epochs: int | None = None,
    late_epochs: int | None = None,
    on_epoch: EpochHook | None = None,
    lesson: Lesson | None = None,
) -> list[Trained]:
    """Train a population; each network ends with the weights its recipe keeps, in eval mode.

    Parameters
    ----------
    networks
        G networks on the data's device, trained in place. Plain MLPs with the same layers
        (`pruning.inference.stackable`) train as one; widths may differ.
    generators
        One for each member, on the CPU: it draws the order in which the member reads the
        samples. It alone decides that order, never the engine or the other members.
    training
        Data, recipe and engine.
    first
        The recipe's epoch to begin with, on its schedule; they are counted from 0.
    epochs
        Stop before this one of the recipe's epochs, on its schedule.
    late_epochs
        Note each member's weights after so many epochs, or at its end if that comes sooner.
    on_epoch
        Called with the epoch's number and the rows still training.
    lesson
        What each is taught beside its labels; None: nothing.

    Returns
    -------
    list of Trained
        In the order of `networks`. A member that has not improved for ``patience`` epochs
        leaves the population and takes no more time.

    Warns
    -----
    UserWarning
        If the population does not fit into the device's memory: it is halved and goes on
        (unless `training.on_halved` says it otherwise).
    """
    states = [generator.get_state() for generator in generators]
    first_and_end = (first, epochs)
    try:
        with torch.cuda.device_of(training.data.train_images):  # type: ignore[no-untyped-call]
            return _train(
                networks, generators, training, first_and_end, late_epochs, on_epoch, lesson
            )
    except torch.OutOfMemoryError:
        if len(networks) == 1:
            raise
    for generator, state in zip(generators, states, strict=True):
        generator.set_state(state)
    torch.cuda.empty_cache()
    half = (len(networks) + 1) // 2
    training.on_halved(len(networks), half)
    results = []
    for rows in (range(half), range(half, len(networks))):
        results += train(
            [networks[r] for r in rows], [generators[r] for r in rows], training,
            first=first, epochs=epochs, late_epochs=late_epochs, on_epoch=_of_rows(on_epoch, rows),
            lesson=lesson and lesson.only(rows),
        )  # fmt: skip
    return results


def resolved_recipe(training: Training, network: nn.Module) -> Recipe:
    """Return the recipe with what it leaves to the network and the data filled in."""
    images = training.data.train_images
    training.recipe.check_values(eight_bit=images.dtype == torch.uint8)
    return training.recipe.resolved(
        plain_mlp=stackable(network), shape=tuple(images.shape[1:]), samples=len(images)
    )


def _of_rows(on_epoch: EpochHook | None, rows: range) -> EpochHook | None:
    return on_epoch and (lambda epoch, inner: on_epoch(epoch, [rows[i] for i in inner]))


def _train(
    networks: Sequence[nn.Module],
    generators: Sequence[torch.Generator],
    training: Training,
    first_and_end: tuple[int, int | None],
    late_epochs: int | None,
    on_epoch: EpochHook | None,
    lesson: Lesson | None,
) -> list[Trained]:
    data, (first, end) = training.data, first_and_end
    recipe = resolved_recipe(training, networks[0])
    images = len(networks) * (recipe.max_epochs or 0) * len(data.train_labels)
    device = data.train_images.device.type
    kind = ENGINES[choose_engine(training.engine, networks[0], device, images)]
    engine = kind([copy.deepcopy(network) for network in networks], data, recipe, lesson)
    results = [Trained() for _ in networks]
    rows = list(range(len(networks)))
    last, patience = recipe.max_epochs or 0, recipe.patience or math.inf
    steps = math.ceil(len(data.train_labels) / (recipe.batch_size or 1))
    for epoch in range(first, last if end is None else min(last, end)):
        orders, changes = _draw(data, recipe, [generators[r] for r in rows])
        # Dropout takes no generator: it draws from the process's, begun alike in any process.
        with seeded(noise_generator(generators[rows[0]], epoch)):
            losses = engine.epoch(orders, recipe.rates(epoch, steps), changes)
        val = engine.evaluate()
        for i, row in enumerate(rows):
            found = Epoch(losses[i], val.losses[i], val.accuracies[i])
            _record(results[row], found, engine, i, recipe)
            if late_epochs is not None and epoch < late_epochs:
                results[row].late_weights = engine.weights(i)
        if on_epoch:
            on_epoch(epoch, rows)
        staying = [i for i, row in enumerate(rows) if results[row].waited < patience]
        if not staying:
            break
        if len(staying) < len(rows):
            engine.narrow(staying)
            rows = [rows[i] for i in staying]
    for network, result in zip(networks, results, strict=True):
        load_weights(network, result.weights)
        network.eval()
    return results


def _draw(
    data: DeviceData, recipe: Recipe, generators: Sequence[torch.Generator]
) -> tuple[Tensor, Tensor | None]:
    """Draw an epoch: (G, N) orders, and (G, N, K) changes where the recipe augments."""
    n, device = len(data.train_labels), data.train_images.device
    augmenter = Augmenter(recipe.augment or "none", tuple(data.train_images.shape[1:]))
    orders, changes = [], []
    for generator in generators:
        order = torch.randperm(n, generator=generator) if recipe.shuffle else torch.arange(n)
        orders.append(order)
        drawn = augmenter.draw(n, generator)
        if drawn is not None:
            changes.append(drawn)
    return torch.stack(orders).to(device), torch.stack(changes).to(device) if changes else None


def _record(result: Trained, epoch: Epoch, engine: Engine, row: int, recipe: Recipe) -> None:
    best = min((before.val_loss for before in result.epochs), default=math.inf)
    improved = epoch.val_loss < best
    result.epochs.append(epoch)
    result.waited = 0 if improved else result.waited + 1
    if improved or recipe.keep == "last" or not result.weights:
        result.weights = engine.weights(row)
        result.kept = epoch
