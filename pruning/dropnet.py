"""DropNet, Algorithm 1 of Tan & Motani 2020, on physically smaller networks.

train θ0                                         round 0, the unpruned network
repeat  score the units of the trained network
        drop the share p of them that matters least
        rewind the survivors to θ0
        train (anew from another draw if it has not left chance)
until   accuracy ≤ κ × round 0's
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from pruning.coupling import Coupling, Units
from pruning.data.splits import Splits
from pruning.dropping import (
    METRICS,
    ScoreMode,
    check_dropping,
    check_fit,
    drop_units,
    see_together,
)
from pruning.errors import RequestError
from pruning.member import Member
from pruning.recipe import Recipe
from pruning.rescaling import few_inputs, rescale
from pruning.rewinding import FullWidth, Rewinding
from pruning.seeds import torch_generator
from pruning.surgery import find_groups, full_masks, shrink
from pruning.sweep import Means
from pruning.training import DeviceData, Trained, train

NEXT_ATTEMPT = 100_000
"""Beyond any round: what tells the streams of an attempt from those of the one before."""


@dataclass(frozen=True)
class DropNet:
    """What Algorithm 1 is run with.

    Attributes
    ----------
    metric
        A score's name, ranked over all layers (``"minimum"``) or within each
        (``"minimum_layer"``); or ``"oracle"``, the units that the training loss misses
        least, one after the other (`pruning.oracle`).
    score_mode
        ``"text"`` scores as the paper says, ``"paper"`` as its published code does where
        that differs (the sign of values averaged over positions, APoZ by image).
    fraction
        p, the share of the remaining units dropped a round, in (0, 1).
    kappa
        κ: a run stops when validation accuracy is at most κ × its round 0's; in [0, 1].
    keep
        A run stops when at most this share of its units remains, in [0, 1). The default
        is reached after three rounds of the default p, with about half the units: on the
        digits that is as far as a team of five keeps up with the best unpruned network.
    rounds
        Most pruning rounds, or None for as many as κ and `keep` allow; 1 is one-shot.
    round_to
        Each layer's count is brought down to a multiple of this; a round may then drop more
        than p.
    coupling
        ``"joint"``: channels that a sum couples live and die together; ``"paper"``: every
        layer has a mask of its own, as in the published code (`pruning.coupling`).
    init
        A ``.safetensors`` file or torchvision's name (`pruning.initial`) whose weights are θ0
        of every run, in place of a draw; the runs then differ in the order of their samples
        alone.
    rewinding
        What the survivors start from.
    recipe
        How each round trains.
    """

    metric: str = "minimum"
    score_mode: ScoreMode = "text"
    fraction: float = 0.2
    kappa: float = 0.97
    keep: float = 0.55
    rounds: int | None = None
    round_to: int = 1
    coupling: Coupling = "joint"
    init: str | None = None
    rewinding: Rewinding = field(default_factory=Rewinding)
    recipe: Recipe = field(default_factory=Recipe)

    def __post_init__(self) -> None:
        check_dropping(self.metric, self.score_mode, self.round_to)
        Units.of((), self.coupling)
        for name, low, high in (("fraction", 0, 1), ("kappa", 0, 1), ("keep", 0, 1)):
            value = getattr(self, name)
            if not (low <= value <= high) or (name == "fraction" and value in (0, 1)):
                raise RequestError(f"{name} {value} must lie between {low} and {high}")
        if self.rounds is not None and self.rounds < 0:
            raise RequestError(f"rounds {self.rounds} must be 0 or more")

    def units(self, network: nn.Module, input_shape: tuple[int, ...]) -> Units:
        """Return what can be pruned of a network; nothing is trained.

        Raises
        ------
        RequestError
            If the network cannot be pruned as these settings ask.
        """
        units = Units.of(find_groups(network, input_shape), self.coupling)
        if self.metric in METRICS and units.independent:
            raise RequestError(
                f"metric {self.metric!r} removes whole units; leave out --coupling paper"
            )
        check_fit(self.metric, network, units.masked)
        units.check(network, input_shape)
        return units


@dataclass(frozen=True)
class Runs:
    """The runs that train as one population.

    Attributes
    ----------
    arch
        One architecture for all.
    numbers, seeds
        Each run's number in the pool and its own seed.
    """

    arch: str
    numbers: tuple[int, ...]
    seeds: tuple[int, ...]


ProgressHook = Callable[[int, int, list[int]], None]
"""Called with round, epoch and the run numbers still training."""


def dropnet(
    runs: Runs,
    splits: Splits,
    settings: DropNet,
    *,
    start: Sequence[Member] = (),
    device: str | torch.device = "cpu",
    engine: str = "auto",
    on_epoch: ProgressHook | None = None,
) -> Iterator[tuple[Member, ...]]:
    """Yield, round by round, the members of a population of runs.

    Parameters
    ----------
    runs
        Architecture, numbers and seeds. More than one run needs a stackable architecture.
    splits
        ``train`` trains and scores, ``val`` stops; the other parts are not read.
    settings
        Metric, p, κ and the recipe.
    start
        The last finished round of every run, to go on from; empty starts at round 0.
    device
        Where to train. Yielded members are on the CPU.
    engine
        How to train, of `pruning.engines.choice.ENGINES`.
    on_epoch
        Called with round, epoch and the run numbers still training.

    Yields
    ------
    tuple of Member
        One a run that is still going, in run order.
    """
    data = DeviceData.of(splits, device)
    full_width = FullWidth(
        settings.rewinding, runs.arch, dict(zip(runs.numbers, runs.seeds, strict=True)),
        len(splits.classes), splits.input_shape, data, settings.recipe, settings.init, engine,
    )  # fmt: skip
    units = settings.units(full_width.theta0[runs.numbers[0]], splits.input_shape)
    work = _Work(runs, full_width, units, data, settings, device, engine, on_epoch)
    members = tuple(start)
    if not members:
        members = work.first_round()
        yield members
    while standing := [m for m in members if _goes_on(m, settings)]:
        members = work.next_round(standing)
        if not members:
            return
        yield members


def _goes_on(member: Member, settings: DropNet) -> bool:
    return (
        member.held(settings.kappa)
        and member.remaining > settings.keep
        and (settings.rounds is None or member.round < settings.rounds)
    )


@dataclass(frozen=True)
class _Work:
    """What every round of a population needs."""

    runs: Runs
    full_width: FullWidth
    units: Units
    data: DeviceData
    settings: DropNet
    device: str | torch.device
    engine: str
    on_epoch: ProgressHook | None

    def first_round(self) -> tuple[Member, ...]:
        """Train θ0 at full width."""
        plan = {run: full_masks(self.units.masked) for run in self.runs.numbers}
        return self._train(0, plan, baselines={})

    def next_round(self, standing: Sequence[Member]) -> tuple[Member, ...]:
        """Score, drop, rewind, train; a run whose layers are all down to one unit ends."""
        plan = {}
        chosen = self.settings
        seen = see_together(
            standing,
            self.units.masked,
            self.data,
            metric=chosen.metric,
            score_mode=chosen.score_mode,
        )
        for member, means in zip(standing, seen, strict=True):
            masks = self._drop(member, means)
            if any(not torch.equal(masks[name], old) for name, old in member.masks.items()):
                plan[member.run] = masks
        baselines = {member.run: member.baseline_accuracy for member in standing}
        return self._train(standing[0].round + 1, plan, baselines) if plan else ()

    def _drop(self, member: Member, seen: Means | None) -> dict[str, Tensor]:
        chosen = self.settings
        return drop_units(
            member, self.units.masked, self.data, held=self.units.standing(member.masks),
            metric=chosen.metric, score_mode=chosen.score_mode,
            fraction=chosen.fraction, round_to=chosen.round_to, seen=seen,
        )  # fmt: skip

    def _train(
        self, round_index: int, plan: dict[int, dict[str, Tensor]], baselines: dict[int, float]
    ) -> tuple[Member, ...]:
        trained = self._attempt(round_index, plan, 1)
        attempts = dict.fromkeys(plan, 1)
        most = self.settings.recipe.attempts if round_index else 1
        for attempt in range(2, most + 1):
            stuck = {run: plan[run] for run, (_, found) in trained.items() if self._stuck(found)}
            if not stuck:
                break
            trained |= self._attempt(round_index, stuck, attempt)
            attempts |= dict.fromkeys(stuck, attempt)
        return tuple(
            self._member(run, round_index, masks, *trained[run], baselines.get(run), attempts[run])
            for run, masks in plan.items()
        )

    def _attempt(
        self, round_index: int, plan: dict[int, dict[str, Tensor]], attempt: int
    ) -> dict[int, tuple[nn.Module, Trained]]:
        numbers = list(plan)
        key = round_index + (attempt - 1) * NEXT_ATTEMPT
        networks = []
        for run in numbers:
            weights = self.full_width.weights if attempt == 1 else self.full_width.drawn
            networks.append(self._cut(weights(run, key), round_index, plan[run]))
        generators = [torch_generator(self._seed(run), "batches", key) for run in numbers]
        silent = [
            handle
            for run, network in zip(numbers, networks, strict=True)
            for handle in self.units.silence(network, plan[run])
        ]
        hook = self.on_epoch
        late = None if round_index else self.full_width.late_epochs
        results = train(
            networks, self.data, self.settings.recipe, generators, engine=self.engine, late=late,
            on_epoch=hook
            and (lambda epoch, rows: hook(round_index, epoch, [numbers[r] for r in rows])),
        )  # fmt: skip
        if late is not None:
            passed = [result.late_weights for result in results]
            self.full_width.remember(dict(zip(numbers, passed, strict=True)))
        for handle in silent:
            handle.remove()
        for run, network in zip(numbers, networks, strict=True):
            self.units.write_silence(network, plan[run])
        pairs = zip(networks, results, strict=True)
        return dict(zip(numbers, pairs, strict=True))

    def _cut(self, full: nn.Module, round_index: int, masks: dict[str, Tensor]) -> nn.Module:
        """Return what the survivors start from, cut out of full-width weights."""
        groups, cut = self.units.groups, self.units.cut(masks)
        small = shrink(full, groups, cut)
        if round_index and self.settings.rewinding.rescale:
            rescale(small, full, groups, cut, self._few_inputs)
        return small.to(self.device)

    @functools.cached_property
    def _few_inputs(self) -> Tensor:
        return few_inputs(self.data.train_images, self.data.scaling)

    def _stuck(self, result: Trained) -> bool:
        return result.val_accuracy <= self.data.majority

    def _member(
        self,
        run: int,
        round_index: int,
        masks: dict[str, Tensor],
        network: nn.Module,
        result: Trained,
        baseline: float | None,
        attempts: int,
    ) -> Member:
        return Member(
            run=run,
            round=round_index,
            arch=self.runs.arch,
            seed=self._seed(run),
            masks=masks,
            network=network.to("cpu"),
            epochs=tuple(result.epochs),
            val_accuracy=result.val_accuracy,
            baseline_accuracy=result.val_accuracy if baseline is None else baseline,
            collapsed=self._stuck(result),
            removed=self.units.removed(masks),
            attempts=attempts,
        )

    def _seed(self, run: int) -> int:
        return self.runs.seeds[self.runs.numbers.index(run)]
