"""The training loop. It takes a population: G members, each with its own data order."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from pruning.data.splits import Splits
from pruning.member import Epoch
from pruning.programs import Program, make_program
from pruning.recipe import Recipe
from pruning.scaling import Scaling
from pruning.surgery import load_weights

EpochHook = Callable[[int, list[int]], None]
"""Called after each epoch with its number and the rows still training."""


@dataclass(frozen=True)
class DeviceData:
    """What training reads, on the device: images as stored, labels as class indices."""

    train_images: Tensor
    train_labels: Tensor
    val_images: Tensor
    val_labels: Tensor
    scaling: Scaling

    @classmethod
    def of(cls, splits: Splits, device: str | torch.device) -> DeviceData:
        """Copy the training and validation parts to the device."""
        return cls(
            torch.tensor(splits.train.images, device=device),
            torch.tensor(splits.train.labels, device=device),
            torch.tensor(splits.val.images, device=device),
            torch.tensor(splits.val.labels, device=device),
            splits.scaling,
        )

    @property
    def majority(self) -> float:
        """Validation accuracy of naming the commonest class always."""
        return float(self.val_labels.bincount().max()) / len(self.val_labels)


@dataclass
class Trained:
    """One member's training: the epochs seen and the weights kept."""

    epochs: list[Epoch] = field(default_factory=list)
    weights: dict[str, Tensor] = field(default_factory=dict)
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
    epochs: int | None = None,
    on_epoch: EpochHook | None = None,
) -> list[Trained]:
    """Train a population; each network ends with the weights its recipe keeps, in eval mode.

    Parameters
    ----------
    networks
        G networks on the data's device, trained in place. More than one must be plain MLPs
        with the same layers (`pruning.programs.stackable`); widths may differ.
    data
        On the device.
    recipe
        The same for all.
    generators
        One a member, on the CPU: the order in which it sees the samples. It alone decides
        which member sees what, never the company it trains in.
    epochs
        Stop after so many of the recipe's epochs, on its schedule.
    on_epoch
        Called with the epoch's number and the rows still training.

    Returns
    -------
    list of Trained
        In the order of `networks`. A member that has not improved for ``patience`` epochs
        leaves the population and stops costing.
    """
    recipe = recipe.resolved(networks[0], len(data.train_labels))
    program = make_program([copy.deepcopy(network) for network in networks])
    results = [Trained() for _ in networks]
    rows = list(range(len(networks)))
    optimizer = recipe.make_optimizer(program.parameters())
    last, patience = recipe.max_epochs or 0, recipe.patience or 0
    for epoch in range(last if epochs is None else min(last, epochs)):
        for setting in optimizer.param_groups:
            setting["lr"] = recipe.rate(epoch)
        train_losses = _one_epoch(program, data, recipe, [generators[r] for r in rows], optimizer)
        val_losses, val_accuracies = evaluate(program, data, len(rows))
        for i, row in enumerate(rows):
            seen = Epoch(train_losses[i], val_losses[i], val_accuracies[i])
            _record(results[row], seen, program, i, recipe)
        if on_epoch:
            on_epoch(epoch, rows)
        staying = [i for i, row in enumerate(rows) if results[row].waited < patience]
        if not staying:
            break
        if len(staying) < len(rows):
            optimizer = _keep(program, optimizer, recipe, staying)
            rows = [rows[i] for i in staying]
    for network, result in zip(networks, results, strict=True):
        load_weights(network, result.weights)
        network.eval()
    return results


def evaluate(program: Program, data: DeviceData, members: int) -> tuple[list[float], list[float]]:
    """Return each member's mean loss and accuracy on ``val``."""
    losses = torch.zeros(members, dtype=torch.float64)
    hits = torch.zeros(members, dtype=torch.float64)
    program.train(False)
    with torch.inference_mode():
        for start in range(0, len(data.val_labels), 512):
            images = data.scaling(data.val_images[start : start + 512])
            labels = data.val_labels[start : start + 512].expand(members, -1)
            logits = program(images.expand(members, *images.shape))
            losses += _losses(logits, labels, "sum").double().cpu()
            hits += (logits.argmax(-1) == labels).sum(1).double().cpu()
    n = len(data.val_labels)
    return (losses / n).tolist(), (hits / n).tolist()


def _one_epoch(
    program: Program,
    data: DeviceData,
    recipe: Recipe,
    generators: Sequence[torch.Generator],
    optimizer: torch.optim.Optimizer,
) -> list[float]:
    n = len(data.train_labels)
    orders = torch.stack([torch.randperm(n, generator=g) for g in generators])
    orders = orders.to(data.train_labels.device)
    total = torch.zeros(len(generators), dtype=torch.float64, device=orders.device)
    program.train(True)
    size = recipe.batch_size or n
    for start in range(0, n, size):
        index = orders[:, start : start + size]
        logits = program(data.scaling(data.train_images[index]))
        losses = _losses(logits, data.train_labels[index], "mean")
        optimizer.zero_grad(set_to_none=True)
        losses.sum().backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        total += losses.detach() * index.shape[1]
    return (total / n).tolist()


def _losses(logits: Tensor, labels: Tensor, reduction: str) -> Tensor:
    flat = F.cross_entropy(logits.flatten(0, 1), labels.flatten(), reduction="none")
    each = flat.reshape(labels.shape)
    return each.mean(1) if reduction == "mean" else each.sum(1)


def _record(result: Trained, seen: Epoch, program: Program, row: int, recipe: Recipe) -> None:
    best = min((epoch.val_loss for epoch in result.epochs), default=np.inf)
    improved = seen.val_loss < best
    result.epochs.append(seen)
    result.waited = 0 if improved else result.waited + 1
    if improved or recipe.keep == "last" or not result.weights:
        result.weights = program.weights(row)
        result.kept = seen


def _keep(
    program: Program, optimizer: torch.optim.Optimizer, recipe: Recipe, rows: list[int]
) -> torch.optim.Optimizer:
    """Cut program and optimiser state down to these rows."""
    before = [(p, optimizer.state[p]) for p in program.parameters()]
    program.keep(rows)
    after = recipe.make_optimizer(program.parameters())
    for (old, state), new in zip(before, program.parameters(), strict=True):
        after.state[new] = {
            key: value[rows].clone() if value.shape == old.shape else value
            for key, value in state.items()
        }
    return after
