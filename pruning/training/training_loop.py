"""The training loop, for a population: G members, each with its data order."""

from __future__ import annotations

import copy
import functools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from pruning.core.seeds import noise_generator, seeded
from pruning.networks.weights import load_weights
from pruning.training.augmenter import Augmenter
from pruning.training.checkpoint import Checkpoints, TrainingState, state_of
from pruning.training.device_data import DeviceData
from pruning.training.engines.choosing import choose_engine
from pruning.training.engines.engine import ENGINES, Engine
from pruning.training.halving import HalvedHook, give_memory_back, warn_halved
from pruning.training.lesson import Lesson
from pruning.training.network_kind import network_kind
from pruning.training.recipe import Recipe
from pruning.training.trained import Epoch, Trained

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
    checkpoints
        Where states between epochs are kept, and found again; None: nowhere.
    """

    data: DeviceData
    recipe: Recipe
    engine: str = "auto"
    on_halved: HalvedHook = warn_halved
    checkpoints: Checkpoints | None = None


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
    name: str = "",
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
    name
        What ``training.checkpoints`` call this training; without one, none is kept of it.

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
    course = _Course(first, epochs, late_epochs, on_epoch, lesson, name)
    try:
        with torch.cuda.device_of(training.data.train_images):  # type: ignore[no-untyped-call]
            return _train(networks, generators, training, course)
    except torch.OutOfMemoryError:
        if len(networks) == 1:
            raise
    for generator, state in zip(generators, states, strict=True):
        generator.set_state(state)
    give_memory_back()
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
        kind=network_kind(network), shape=tuple(images.shape[1:]), samples=len(images)
    )


def _of_rows(on_epoch: EpochHook | None, rows: range) -> EpochHook | None:
    return on_epoch and (lambda epoch, inner: on_epoch(epoch, [rows[i] for i in inner]))


@dataclass(frozen=True, eq=False)
class _Course:
    """Which of a recipe's epochs are trained, what is noted on the way, who is told."""

    first: int
    end: int | None
    late_epochs: int | None
    on_epoch: EpochHook | None
    lesson: Lesson | None
    name: str

    def epochs(self, recipe: Recipe) -> range:
        last = recipe.max_epochs or 0
        return range(self.first, last if self.end is None else min(last, self.end))


def _train(
    networks: Sequence[nn.Module],
    generators: Sequence[torch.Generator],
    training: Training,
    course: _Course,
) -> list[Trained]:
    data, recipe = training.data, resolved_recipe(training, networks[0])
    checkpoints = training.checkpoints if course.name else None
    engine, state = _begun(networks, generators, training, recipe, course)
    results, rows = list(state.results), list(state.rows)
    patience = recipe.patience or math.inf
    steps = math.ceil(len(data.train_labels) / (recipe.batch_size or 1))
    for epoch in range(state.epoch, course.epochs(recipe).stop if rows else state.epoch):
        orders, changes = _draw(data, recipe, [generators[r] for r in rows], course.lesson)
        # Dropout takes no generator: it draws from the process's, begun alike in any process.
        with seeded(noise_generator(generators[rows[0]], epoch)):
            losses = engine.epoch(orders, recipe.rates(epoch, steps), changes)
        val = engine.evaluate()
        for i, row in enumerate(rows):
            found = Epoch(losses[i], val.losses[i], val.accuracies[i])
            _record(results[row], found, engine, i, recipe)
            if course.late_epochs is not None and epoch < course.late_epochs:
                results[row].late_weights = engine.weights(i)
        if course.on_epoch:
            course.on_epoch(epoch, rows)
        staying = [i for i, row in enumerate(rows) if results[row].waited < patience]
        if 0 < len(staying) < len(rows):
            engine.narrow(staying)
        rows = [rows[i] for i in staying]
        if checkpoints:
            now = functools.partial(
                state_of, epoch + 1, rows, results, engine, networks, generators
            )
            checkpoints.offer(course.name, now)
        if not rows:
            break
    for network, result in zip(networks, results, strict=True):
        load_weights(network, result.weights)
        network.eval()
    return results


def _begun(
    networks: Sequence[nn.Module],
    generators: Sequence[torch.Generator],
    training: Training,
    recipe: Recipe,
    course: _Course,
) -> tuple[Engine, TrainingState]:
    """Return an engine, and the state that it is in: at the beginning, or where one was kept."""
    data, epochs = training.data, course.epochs(recipe)
    images = len(networks) * (recipe.max_epochs or 0) * len(data.train_labels)
    device = data.train_images.device.type
    kind = ENGINES[choose_engine(training.engine, networks[0], device, images)]

    def engine() -> Engine:
        return kind([copy.deepcopy(network) for network in networks], data, recipe, course.lesson)

    checkpoints = training.checkpoints if course.name else None
    kept = checkpoints.kept(course.name) if checkpoints else None
    if kept and kept.of(networks, epochs) and kept.resume(begun := engine(), generators):
        return begun, kept
    everyone = tuple(range(len(networks)))
    return engine(), TrainingState(course.first, everyone, [Trained() for _ in networks])


def _draw(
    data: DeviceData,
    recipe: Recipe,
    generators: Sequence[torch.Generator],
    lesson: Lesson | None = None,
) -> tuple[Tensor, Tensor | None]:
    """Draw an epoch: (G, N) orders, and (G, N, K) changes.

    None where neither the recipe augments nor the lesson moves samples.
    """
    n, device = len(data.train_labels), data.train_images.device
    augmenter = Augmenter(recipe.augment or "none", tuple(data.train_images.shape[1:]))
    orders, changes = [], []
    for generator in generators:
        order = torch.randperm(n, generator=generator) if recipe.shuffle else torch.arange(n)
        orders.append(order)
        drawn = [augmenter.draw(n, generator), lesson.draw(n, generator) if lesson else None]
        if parts := [part for part in drawn if part is not None]:
            changes.append(torch.cat(parts, 1))
    return torch.stack(orders).to(device), torch.stack(changes).to(device) if changes else None


def _record(result: Trained, epoch: Epoch, engine: Engine, row: int, recipe: Recipe) -> None:
    best = min((before.val_loss for before in result.epochs), default=math.inf)
    improved = epoch.val_loss < best
    result.epochs.append(epoch)
    result.waited = 0 if improved else result.waited + 1
    if improved or recipe.keep == "last" or not result.weights:
        result.weights = engine.weights(row)
        result.kept = epoch
