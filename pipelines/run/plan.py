"""Which runs train together, resolved before training and recorded in ``config.json``.

The rule looks at the networks and at the processor's units, never at the machine's cores or
``--jobs``: a group is computed alike wherever it is placed, so the same command gives the
same bytes on processors of one instruction set. On several cards it looks at their number.
"""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pipelines.run.config import BuildConfig
from pruning.core.errors import RequestError
from pruning.datafree.network import check_mergeable
from pruning.dropnet import DropNet, Runs, Target
from pruning.dropnet.fit import find_units
from pruning.dropnet.population import starting_recipe
from pruning.networks.architecture import architecture_name, build_network
from pruning.networks.weights import start_from
from pruning.scores.metric_names import own_metric
from pruning.scores.sweep import parse_metric
from pruning.training.engines.choosing import choose_engine
from pruning.training.engines.engine import ENGINES
from pruning.training.network_kind import network_kind


@dataclass(frozen=True)
class Group:
    """Runs that train as one population on one thread (or one device).

    Attributes
    ----------
    runs
        Architecture, run numbers and seeds.
    engine
        A name in `pruning.training.engines.engine.ENGINES`, never ``"auto"``.
    threads
        CPU threads of the group's tensor operations.
    flops
        FLOPs to which its networks are pruned where a latency was asked: what was fast enough
        when that was measured. None where none was.
    normed_by_sgd
        Whether it trains by SGD as is usual of networks with batch norms, asked or by default; in
        runs begun by earlier versions it does not.
    """

    runs: Runs
    engine: str
    threads: int = 1
    flops: float | None = None
    normed_by_sgd: bool = False

    def settings(self, config: BuildConfig) -> DropNet:
        """Return what each of its runs is given, a latency said in FLOPs."""
        asked = config.of_each_run
        target = asked.target if self.flops is None else Target(flops=self.flops)
        recipe = dataclasses.replace(asked.recipe, normed_by_sgd=self.normed_by_sgd)
        return dataclasses.replace(asked, target=target, recipe=recipe)

    def to_json(self) -> dict[str, Any]:
        """Return the group as plain JSON values."""
        return {
            "arch": architecture_name(self.runs.arch),
            "runs": list(self.runs.numbers),
            "seeds": list(self.runs.seeds),
            "engine": self.engine,
            "threads": self.threads,
            **({} if self.flops is None else {"flops": self.flops}),
            **({"normed_by_sgd": True} if self.normed_by_sgd else {}),
        }

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> Group:
        """Return the group that `to_json` wrote."""
        runs = Runs(stored["arch"], tuple(stored["runs"]), tuple(stored["seeds"]))
        return cls(
            runs, stored["engine"], stored["threads"], stored.get("flops"),
            stored.get("normed_by_sgd", False),
        )  # fmt: skip


def check_archs(
    config: BuildConfig, num_classes: int, input_shape: tuple[int, ...], samples: int
) -> None:
    """Raise `RequestError` if a network cannot be trained or pruned as asked, before any is.

    `samples` are those of the training part.
    """
    config.dropnet.recipe.check_samples(samples)
    if own_metric(config.dropnet.metric):
        parse_metric(config.dropnet.metric)  # which is no architecture's fault
    for offset, arch in enumerate(config.archs):
        network = build_network(arch, num_classes, input_shape, config.seed + offset)
        try:
            recipe = starting_recipe(config.dropnet, arch).resolved(
                kind=network_kind(network), shape=input_shape, samples=samples
            )
            config.dropnet.rewinding.late_part_of(recipe.max_epochs or 0)
            if config.pruner == "datafree":
                check_mergeable(network, input_shape, dict(config.merging.counts) or None)
            else:
                find_units(network, input_shape, config.of_each_run)
            if config.dropnet.init is not None:
                start_from(network, config.dropnet.init)
        except RequestError as error:
            raise RequestError(f"architecture {architecture_name(arch)!r}: {error}") from error


def plan_groups(
    config: BuildConfig,
    num_classes: int,
    input_shape: tuple[int, ...],
    device: str = "cpu",
    cards: int = 1,
    *,
    samples: int,
) -> tuple[Group, ...]:
    """Return the groups of a build on ``"cpu"`` or ``"cuda"``, covering every run once.

    An architecture's runs fill groups of the engine's size; on several cards they are shared
    out evenly, so that every card has a group where there are as many runs as cards. `samples`
    are those of the training part.
    """
    groups = []
    for offset, arch in enumerate(config.archs):
        numbers = list(range(offset, config.m, len(config.archs)))
        network = build_network(arch, num_classes, input_shape, config.seed)
        started, kind = starting_recipe(config.dropnet, arch), network_kind(network)
        recipe = started.resolved(kind=kind, shape=input_shape, samples=samples)
        images = len(numbers) * (recipe.max_epochs or 0) * samples
        engine = choose_engine(config.engine, network, device, images)
        by_sgd = started.normed_by_sgd and kind == "normed" and recipe.optimizer == "sgd"
        for chosen in _shared_out(numbers, ENGINES[engine].group_size(device), cards):
            seeds = tuple(config.seed + number for number in chosen)
            groups.append(Group(Runs(arch, chosen, seeds), engine, normed_by_sgd=by_sgd))
    return tuple(groups)


def check_engines(
    groups: Sequence[Group], num_classes: int, input_shape: tuple[int, ...], device: str
) -> None:
    """Raise `RequestError` if a device cannot run the engine that a group began with."""
    for group in {(group.runs.arch, group.engine): group for group in groups}.values():
        arch, engine = group.runs.arch, group.engine
        network = build_network(arch, num_classes, input_shape, group.runs.seeds[0])
        if (obstacle := ENGINES[engine].obstacle(network, device)) is not None:
            raise RequestError(
                f"this run trains {architecture_name(arch)} by {engine!r}, which {obstacle}; go on "
                "where it began, or begin another run"
            )


def _shared_out(numbers: Sequence[int], most: int, cards: int) -> list[tuple[int, ...]]:
    """Cut run numbers into groups of at most so many, as many for each card.

    >>> _shared_out(range(5), 64, cards=4), _shared_out(range(5), 2, cards=1)
    ([(0, 1), (2,), (3,), (4,)], [(0, 1), (2, 3), (4,)])
    """
    if not numbers:
        return []
    if cards == 1:
        starts = [*range(0, len(numbers), most), len(numbers)]
    else:
        count = min(len(numbers), cards * math.ceil(len(numbers) / (cards * most)))
        larger = len(numbers) % count
        starts = [k * (len(numbers) // count) + min(k, larger) for k in range(count + 1)]
    return [tuple(numbers[start:end]) for start, end in itertools.pairwise(starts)]


def unnamed_optimizer(config: BuildConfig, groups: Sequence[Group]) -> list[str]:
    """Return a line on a rate or a decay that SGD takes because no optimizer was named.

    Those of AdamW are a hundredth and a hundred times SGD's.
    """
    asked = {"learning_rate": config.dropnet.recipe.learning_rate,
             "weight_decay": config.dropnet.recipe.weight_decay}  # fmt: skip
    given = [f"`{name}` {value:g}" for name, value in asked.items() if value is not None]
    by_sgd = [architecture_name(group.runs.arch) for group in groups if group.normed_by_sgd]
    if not given or not by_sgd or config.dropnet.recipe.optimizer is not None:
        return []
    return [
        f"{' and '.join(given)} {'is' if len(given) == 1 else 'are'} for sgd, the default of "
        f"{', '.join(dict.fromkeys(by_sgd))}; name an `optimizer` if you mean another"
    ]


def describe_groups(groups: Sequence[Group], device: str) -> list[str]:
    """Return how the runs train, one line per architecture.

    >>> describe_groups([Group(Runs("mlp-a", (0, 1), (0, 1)), "stacked")], "cpu")
    ['2 runs of mlp-a on cpu by stacked: plain MLPs as batched matrices, float32; 1 group of 2']
    """
    lines = []
    for arch in dict.fromkeys(group.runs.arch for group in groups):
        own = [group for group in groups if group.runs.arch == arch]
        runs, most = sum(len(g.runs.numbers) for g in own), max(len(g.runs.numbers) for g in own)
        many = "groups of up to" if len(own) > 1 else "group of"
        name, engine = architecture_name(arch), own[0].engine
        lines.append(
            f"{runs} runs of {name} on {device} by {engine}: {ENGINES[engine].summary}; "
            f"{len(own)} {many} {most}"
        )
    return lines
