"""A population's rounds: score, drop, rewind, train, all members side by side."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from pruning.core.seeds import torch_generator
from pruning.dropnet.coupling import Units
from pruning.dropnet.dropping import drop_units, see_together
from pruning.dropnet.member import Member
from pruning.dropnet.rescaling import few_inputs, rescale
from pruning.dropnet.rewinding import FullWidth
from pruning.dropnet.settings import DropNet
from pruning.scores.sweep import Means
from pruning.surgery import full_masks, shrink
from pruning.training.training_loop import DeviceData, Trained, train

NEXT_ATTEMPT = 100_000
"""Beyond any round: what tells the streams of an attempt from those of the one before."""


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


@dataclass(frozen=True)
class Rounds:
    """What every round of a population needs, and what is done in one."""

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
            again = attempt > 1 and self.settings.init is None
            weights = self.full_width.drawn if again else self.full_width.weights
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
