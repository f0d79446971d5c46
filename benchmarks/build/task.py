"""What the build benchmarks measure: two tasks, run by the program and by the textbook."""

from __future__ import annotations

import dataclasses
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import textbook
import torch
from torch import nn

from pipelines.build.resolving import resolve
from pipelines.build.story import train
from pipelines.run.config import BuildConfig, DataConfig, SelectionConfig
from pipelines.run.opening import open_run
from pipelines.run.resources import Placement
from pruning.core.seeds import torch_generator
from pruning.data.load import load_splits
from pruning.data.splits import Splits
from pruning.dropnet import DropNet
from pruning.dropnet.settings import Rewinding
from pruning.inference.probabilities import predict_probabilities
from pruning.networks.architecture import build_network
from pruning.training.network_kind import network_kind
from pruning.training.recipe import RECIPES, Recipe

ROUNDS = 11
"""0.8¹¹ = 0.086: p = 0.2 to a tenth."""


@dataclass(frozen=True)
class Task:
    """Data, architecture and schedule.

    Attributes
    ----------
    data, limit
        What `ensemble build` takes.
    arch, pruned, metric
        The architecture, the layers of it that are pruned, the score they are ranked by.
    epochs, batch, rounds
        Epochs a round, samples a step, pruning rounds.
    """

    data: str
    limit: int | None
    arch: str
    pruned: tuple[str, ...]
    metric: str
    epochs: int
    batch: int
    rounds: int = ROUNDS

    @property
    def recipe(self) -> Recipe:
        """No early stop, the last weights: every side takes the same number of steps."""
        return dataclasses.replace(
            RECIPES["first"],
            batch_size=self.batch, max_epochs=self.epochs, patience=self.epochs, keep="last",
        )  # fmt: skip

    def resolved(self, network: nn.Module, splits: Splits) -> Recipe:
        """Fill in what the recipe leaves to network and data."""
        return self.recipe.resolved(
            kind=network_kind(network), shape=splits.input_shape, samples=len(splits.train)
        )

    def splits(self, folder: str) -> Splits:
        """Read the data; `folder` holds it, as ``--data`` or ``--data-dir``."""
        known = self.data != "cifar10"
        return load_splits(
            self.data if known else folder,
            data_dir=Path(folder) if known else None, limit=self.limit, seed=0,
        ).splits  # fmt: skip


TASKS = {
    "mlp-a": Task("mnist", None, "mlp-a", ("fc1", "fc2"), "minimum", epochs=2, batch=32),
    "conv-c": Task(
        "cifar10", 6250, "conv-c", ("conv1", "conv2", "conv3", "conv4"), "minimum_layer",
        epochs=3, batch=128,
    ),
}  # fmt: skip


def held_whole(arch: str) -> Task:
    """Return one unpruned epoch on all of CIFAR-10."""
    return Task("cifar10", None, arch, (), "minimum", epochs=1, batch=128, rounds=0)


@dataclass(frozen=True)
class Outcome:
    """What one side came to.

    Attributes
    ----------
    seconds
        By the clock on the wall, data in memory, to the last round of the last member.
    rounds
        Seconds of each round, where one process trains one member.
    accuracies
        Round → test accuracy of each member.
    engine
        What trained them.
    """

    seconds: float
    rounds: list[float]
    accuracies: dict[int, list[float]]
    engine: str


def program(
    task: Task, splits: Splits, members: int, engine: str, jobs: int, device: str = "cpu"
) -> Outcome:
    """Train and prune by `ensemble build`'s training stage, worker processes and files included."""
    config = BuildConfig(
        m=members, archs=(task.arch,), device=device, engine=engine,
        data=DataConfig(task.data, None, None, task.limit),
        selection=SelectionConfig(size=1),
        dropnet=DropNet(
            metric=task.metric, fraction=0.2, kappa=0.0, keep=0.0, rounds=task.rounds,
            rewinding=Rewinding("initial", rescale=False), recipe=task.recipe,
        ),
    )  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        started = time.perf_counter()
        run = open_run(Path(folder) / "run", resolve(config, splits))
        histories = train(run, splits, Placement(jobs))
        seconds = time.perf_counter() - started
        accuracies = {
            k: [_tested(history.rounds[k].load().network, splits) for history in histories]
            for k in sorted({0, min(1, task.rounds), task.rounds})
        }
        engine = run.resolved.groups[0].engine
    return Outcome(seconds, [], accuracies, engine)


def by_the_book(
    task: Task, splits: Splits, seed: int, threads: int, device: str = "cpu"
) -> Outcome:
    """Train and prune one member by the textbook."""
    torch.set_num_threads(threads)
    network = build_network(task.arch, len(splits.classes), splits.input_shape, seed).to(device)
    assert isinstance(network, torch.nn.Sequential)
    recipe = task.resolved(network, splits)
    plain = textbook.Task(
        splits.scaling(torch.tensor(splits.train.images, device=device)),
        torch.tensor(splits.train.labels, device=device),
        splits.scaling(torch.tensor(splits.val.images, device=device)),
        torch.tensor(splits.val.labels, device=device),
        fraction=0.2, rounds=task.rounds, batch=task.batch,
        rates=tuple(recipe.rates(epoch, 1)[0] for epoch in range(task.epochs)),  # type: ignore[misc]
        decay=recipe.weight_decay or 0.0, per_layer=task.metric.endswith("_layer"),
    )  # fmt: skip
    started = time.perf_counter()
    run = textbook.dropnet(
        network,
        task.pruned,
        plain,
        lambda round_index: torch_generator(seed, "batches", round_index),
    )
    seconds = time.perf_counter() - started
    accuracies = {
        k: [_masked_accuracy(network.cpu(), task, run.networks[k], splits)]
        for k in sorted({0, min(1, task.rounds), task.rounds})
    }
    return Outcome(seconds, run.seconds, accuracies, f"textbook, {threads} threads")


def torchensemble(task: Task, splits: Splits, members: int) -> Outcome:
    """Train the unpruned networks with torchensemble's VotingClassifier: one round, no pruning."""
    from torch.utils.data import DataLoader, TensorDataset
    from torchensemble import VotingClassifier

    network = build_network(task.arch, len(splits.classes), splits.input_shape, 0)
    recipe = task.resolved(network, splits)
    x = splits.scaling(torch.tensor(splits.train.images))
    loader = DataLoader(
        TensorDataset(x, torch.tensor(splits.train.labels)), batch_size=task.batch, shuffle=True
    )
    # An instance is copied for each member; that they start alike does not matter to the clock.
    model = VotingClassifier(estimator=network, n_estimators=members, cuda=False)
    model.set_optimizer("Adam", lr=recipe.learning_rate, weight_decay=recipe.weight_decay)
    started = time.perf_counter()
    model.fit(loader, epochs=task.epochs, log_interval=10**9, save_model=False)
    seconds = time.perf_counter() - started
    accuracies = [_tested(member, splits) for member in model.estimators_]
    return Outcome(seconds, [], {0: accuracies}, "torchensemble")


def _tested(network: torch.nn.Module, splits: Splits) -> float:
    found = predict_probabilities(network, splits.test.images, splits.scaling).argmax(1)
    return float((found == splits.test.labels).mean())


def _masked_accuracy(
    network: torch.nn.Sequential, task: Task, state: dict[str, torch.Tensor], splits: Splits
) -> float:
    model = textbook.Masked(network, task.pruned)
    model.masks = {name: state[f"mask.{name}"].cpu() for name in task.pruned}
    network.load_state_dict({k: v for k, v in state.items() if not k.startswith("mask.")})
    x = splits.scaling(torch.tensor(splits.test.images))
    return textbook.evaluate(model, x, torch.tensor(splits.test.labels))
