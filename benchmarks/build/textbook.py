"""Algorithm 1 as it is printed: full width in every round, masks, one network at a time.

An honest baseline, not a slow one: data in memory as scaled float32, batches by index, no
data loader, PyTorch's fused Adam, a mask multiplied onto each pruned layer's activation and
nothing where a layer is never pruned. It shares networks, seeds, orders of samples and
validation after each epoch with the program, and no other code.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812


@dataclass(frozen=True)
class Task:
    """Data and schedule.

    Attributes
    ----------
    x, y, val_x, val_y
        (N, ...) float32 scaled samples, (N,) int64 classes.
    fraction, rounds
        p; pruning rounds after round 0.
    batch
        Samples a step.
    rates
        Learning rate of each epoch of a round.
    decay
        L2, added to the gradient.
    per_layer
        Whether units are ranked within their layer.
    """

    x: Tensor
    y: Tensor
    val_x: Tensor
    val_y: Tensor
    fraction: float
    rounds: int
    batch: int
    rates: tuple[float, ...]
    decay: float
    per_layer: bool


@dataclass
class Run:
    """One network's run, round by round.

    Attributes
    ----------
    seconds
        Training and scoring.
    accuracies, remaining, networks
        Validation accuracy, kept share of units, weights and masks.
    """

    seconds: list[float] = field(default_factory=list)
    accuracies: list[float] = field(default_factory=list)
    remaining: list[float] = field(default_factory=list)
    networks: list[dict[str, Tensor]] = field(default_factory=list)


class Masked(nn.Module):
    """A sequence of layers in which each pruned layer's activation is multiplied by a mask."""

    def __init__(self, network: nn.Sequential, pruned: tuple[str, ...]) -> None:
        super().__init__()
        self.network, self.pruned = network, pruned
        self.scores: dict[str, Tensor] | None = None
        self.masks = {
            name: torch.ones_like(network.get_submodule(name).get_parameter("bias")).detach()
            for name in pruned
        }

    def forward(self, x: Tensor) -> Tensor:
        """Return the logits; add up |activation| while `scores` is a dictionary."""
        producer = None
        for name, layer in self.network.named_children():
            x = layer(x)
            if name in self.pruned:
                producer = name
            elif isinstance(layer, nn.ReLU) and producer:
                mask = self.masks[producer]
                x = x * (mask if x.ndim == 2 else mask[:, None, None])
                if self.scores is not None:
                    means = x.abs().mean((2, 3)) if x.ndim == 4 else x.abs()
                    self.scores[producer] = self.scores.get(producer, 0) + means.sum(0)
                producer = None
        return x


def dropnet(
    network: nn.Sequential,
    pruned: tuple[str, ...],
    task: Task,
    orders: Callable[[int], torch.Generator],
) -> Run:
    """Train, score, drop, rewind, again and again; return what each round came to."""
    theta0 = {key: value.clone() for key, value in network.state_dict().items()}
    model, run = Masked(network, pruned), Run()
    for round_index in range(task.rounds + 1):
        started = time.perf_counter()
        network.load_state_dict(theta0)
        run.accuracies.append(train(model, task, orders(round_index)))
        masks = model.masks.values()
        run.remaining.append(float(sum(m.sum() for m in masks) / sum(len(m) for m in masks)))
        run.networks.append({key: value.clone() for key, value in network.state_dict().items()})
        run.networks[-1] |= {f"mask.{name}": mask.clone() for name, mask in model.masks.items()}
        if round_index < task.rounds:
            drop(model, score(model, task), task)
        run.seconds.append(time.perf_counter() - started)
    return run


def train(model: Masked, task: Task, generator: torch.Generator) -> float:
    """Train one round; return the validation accuracy of its last weights."""
    optimizer = torch.optim.Adam(
        model.network.parameters(), lr=task.rates[0], weight_decay=task.decay, fused=True
    )
    accuracy = 0.0
    for rate in task.rates:
        optimizer.param_groups[0]["lr"] = rate
        order = torch.randperm(len(task.y), generator=generator)
        model.train()
        for index in order.split(task.batch):
            loss = F.cross_entropy(model(task.x[index]), task.y[index])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        accuracy = evaluate(model, task.val_x, task.val_y)
    return accuracy


@torch.no_grad()
def evaluate(model: Masked, x: Tensor, y: Tensor) -> float:
    """Return the share of samples right."""
    model.eval()
    parts = zip(x.split(512), y.split(512), strict=True)
    return float(sum((model(a).argmax(1) == b).sum() for a, b in parts) / len(y))


@torch.no_grad()
def score(model: Masked, task: Task) -> dict[str, Tensor]:
    """Return each unit's mean |activation| over the training samples."""
    model.eval()
    model.scores = {}
    for part in task.x.split(512):
        model(part)
    scores, model.scores = model.scores, None
    return {name: total / len(task.x) for name, total in scores.items()}


def drop(model: Masked, scores: dict[str, Tensor], task: Task) -> None:
    """Drop the share p of the remaining units that scores least; no layer is emptied."""
    groups = [[name] for name in model.pruned] if task.per_layer else [list(model.pruned)]
    for names in groups:
        ranked = sorted(
            (float(scores[name][unit]), name, int(unit))
            for name in names
            for unit in model.masks[name].nonzero()
        )
        left = max(1, int(task.fraction * len(ranked)))
        for _, name, unit in ranked:
            if left and model.masks[name].sum() > 1:
                model.masks[name][unit] = 0
                left -= 1
