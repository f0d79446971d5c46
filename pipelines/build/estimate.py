"""What a build will cost, before it trains: counted from its networks, timed on a few steps."""

from __future__ import annotations

import resource
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch

from pipelines.build.placement import dealt
from pipelines.build.preparing import Prepared
from pipelines.build.progress import Tally
from pipelines.build.short_training import ShortTraining, short_training
from pipelines.run.plan import Group
from pipelines.run.resolved import ResolvedConfig
from pipelines.run.resources import Placement
from pruning.data.splits import Splits
from pruning.inference.cost import Cost, count_cost
from pruning.networks.architecture import architecture_name, build_network

EPOCHS = 3
"""Of a measurement: the first warms up, the others count."""
SECONDS = 3.0
"""About so long a measurement takes, once a first one has said how long a step is."""


@dataclass(frozen=True)
class Pace:
    """What the unpruned networks of a group take.

    Attributes
    ----------
    group
        Which.
    steps
        How many steps of an epoch were measured.
    step_seconds
        Of one step of all its networks, with their share of validation.
    epoch_steps, epochs
        Steps of a whole epoch; epochs of round 0, at most.
    later_epochs
        Of each round after it, at most.
    stops_early
        Whether the recipe ends a round before, where the validation loss falls no more.
    training_bytes
        Weights, their gradients and what the optimizer keeps of them, of all its networks.
    peak_bytes
        The most memory that was taken while they trained: by tensors on a card, else by the
        whole process.
    """

    group: Group
    steps: int
    step_seconds: float
    epoch_steps: int
    epochs: int
    later_epochs: int
    stops_early: bool
    training_bytes: int
    peak_bytes: int


@dataclass(frozen=True)
class Estimate:
    """What is known of a build before it trains.

    Attributes
    ----------
    costs
        Of one network of each architecture, unpruned.
    counts
        How many networks there are of each.
    paces
        Of one group of each architecture, its largest.
    rounds
        Rounds of pruning after round 0: the most, or about as many as a target takes.
    at_a_time
        How many groups train side by side.
    seconds
        Of what is left to train.
    disk_bytes
        Of the networks of all rounds as they are kept, at most.
    """

    costs: Mapping[str, Cost]
    counts: Mapping[str, int]
    paces: tuple[Pace, ...]
    rounds: int
    at_a_time: int
    seconds: float
    disk_bytes: float


def estimate(ready: Prepared, placement: Placement) -> Estimate:
    """Count and measure what a build takes; nothing is kept.

    The time is that of training what is left, every run that has not ended to its last possible
    round: each round takes the epochs that its recipe has at most, and a network with a share s
    of its units (s² + ¼) / 1¼ of the measured time. Early stops, runs that κ ends sooner,
    scoring, files and the choice are not counted, nor that groups side by side slow each other.
    """
    resolved, devices = ready.store.resolved, ready.devices
    largest: dict[str, Group] = {}
    counts: dict[str, int] = {}
    for group in resolved.groups:
        name, runs = architecture_name(group.runs.arch), len(group.runs.numbers)
        counts[name] = counts.get(name, 0) + runs
        if name not in largest or runs > len(largest[name].runs.numbers):
            largest[name] = group
    costs = {name: _cost(group, resolved) for name, group in largest.items()}
    paces = {n: measured(g, resolved, ready.splits, devices.first) for n, g in largest.items()}
    tally = Tally.of(resolved)
    last = 0 if resolved.config.pruner == "datafree" else int(tally.last)
    done = {record.run: 0 for record in ready.unpruned}
    for history in ready.store.histories():
        done[history.run] = history.rounds[-1].round if resolved.was_cut(history) else last
    seconds = [
        _group_seconds(group, paces[architecture_name(group.runs.arch)], tally, last, done)
        for group in resolved.groups
    ]
    shares = _shares(resolved.groups, seconds, ready, placement)
    kept = sum((1 - tally.fraction) ** (2 * k) for k in range(last + 1))
    return Estimate(
        costs=costs,
        counts=counts,
        paces=tuple(paces.values()),
        rounds=last,
        at_a_time=len(shares),
        seconds=max(shares),
        disk_bytes=kept * sum(costs[name].bytes * count for name, count in counts.items()),
    )


def measured(group: Group, resolved: ResolvedConfig, splits: Splits, device: str) -> Pace:
    """Return what a group takes, measured on its first steps."""
    with short_training(group, resolved, splits, device) as short:
        on_card = torch.device(device).type == "cuda"
        if on_card:
            torch.cuda.reset_peak_memory_stats(device)
        steps = min(2, short.steps)
        seconds = _epoch_seconds(short, steps) / steps
        more = min(short.steps, int(SECONDS / EPOCHS / seconds))
        if more > steps:
            steps = more
            seconds = _epoch_seconds(short, steps) / steps
        peak = torch.cuda.max_memory_allocated(device) if on_card else _process_peak()
        config = resolved.config.of_each_run
        epochs = short.recipe.max_epochs or 0
        late = config.rewinding.late_part_of(epochs) if config.rewinding.goes_on else 0
        return Pace(
            group=group,
            steps=steps,
            step_seconds=seconds,
            epoch_steps=short.steps,
            epochs=epochs,
            later_epochs=epochs - (late or 0),
            stops_early=short.recipe.patience is not None,
            training_bytes=_training_bytes(short),
            peak_bytes=peak,
        )


def _epoch_seconds(short: ShortTraining, steps: int) -> float:
    """Return the time of a short epoch, validated on its share of the validation part."""
    ends = [time.perf_counter()]
    share = min(1.0, steps / short.steps)
    validation = max(1, round(share * len(short.training.data.val_labels)))
    short.run(steps, EPOCHS, lambda: ends.append(time.perf_counter()), validation)
    return (ends[-1] - ends[1]) / (EPOCHS - 1)


def _training_bytes(short: ShortTraining) -> int:
    moments = {"adamw": 2, "adam": 2}.get(short.recipe.optimizer or "", 1)
    moments = moments if short.recipe.momentum or moments == 2 else 0
    return sum(
        tensor.numel() * tensor.element_size() * (2 + moments)
        for network in short.networks
        for tensor in network.parameters()
    )


def _process_peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def _cost(group: Group, resolved: ResolvedConfig) -> Cost:
    classes, shape = len(resolved.classes), resolved.input_shape
    return count_cost(build_network(group.runs.arch, classes, shape, group.runs.seeds[0]), shape)


def _group_seconds(
    group: Group, pace: Pace, tally: Tally, last: int, done: Mapping[int, int]
) -> float:
    """Return the time of what is left of a group; a step takes as its share of the measured."""
    whole = pace.step_seconds * pace.epoch_steps / len(pace.group.runs.numbers)
    passes = 0.0
    for run in group.runs.numbers:
        for k in range(done.get(run, -1) + 1, last + 1):
            epochs = pace.later_epochs if k else pace.epochs
            passes += epochs * tally.work(k) / tally.work(0)
    return whole * passes


def _shares(
    groups: Sequence[Group], seconds: Sequence[float], ready: Prepared, placement: Placement
) -> list[float]:
    """Return the time of each card, or of each of the jobs, that take a group when free."""
    if ready.devices.kind == "cuda":
        taken = dict(zip((group.runs.numbers for group in groups), seconds, strict=True))
        hands = dealt([(group, ()) for group in groups], ready.devices.names)
        return [sum(taken[group.runs.numbers] for group, _ in hand) for _, hand in hands]
    jobs = [0.0] * min(placement.processes, len(groups))
    for taken_by_one in seconds:
        jobs[jobs.index(min(jobs))] += taken_by_one
    return jobs
