"""A population's rounds: score, drop, rewind, train, all members side by side."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from pruning.core.seeds import torch_generator
from pruning.dropnet.coupling import PrunableUnits
from pruning.dropnet.dropping import drop_units, observe_members
from pruning.dropnet.member import Member
from pruning.dropnet.rescaling import few_inputs, rescale
from pruning.dropnet.rewinding import FullWidth
from pruning.dropnet.settings import DropNet
from pruning.networks.architecture import architecture_name
from pruning.surgery import Masks, full_masks, shrink
from pruning.training.training_loop import EpochHook, Trained, train

NEXT_ATTEMPT = 100_000
"""Added to a round's number per further attempt: a number beyond any round, so that no two
attempts draw from one stream."""

ProgressHook = Callable[[int, int, list[int]], None]
"""Called with round, epoch and the run numbers still training."""


@dataclass(frozen=True, eq=False)
class Outcome:
    """A network as one training left it.

    Attributes
    ----------
    network
        Physically small, in eval mode.
    result
        What its training gave.
    attempts
        How often its round has been trained so far.
    """

    network: nn.Module
    result: Trained
    attempts: int


@dataclass(frozen=True, eq=False)
class Rounds:
    """What every round of a population needs, and what is done in one.

    Attributes
    ----------
    full_width
        What networks are cut from, with the population and what trains it.
    units
        What of a network can be pruned.
    settings
        What Algorithm 1 is run with.
    on_epoch
        Told of the progress.
    """

    full_width: FullWidth
    units: PrunableUnits
    settings: DropNet
    on_epoch: ProgressHook | None = None

    def first_round(self) -> tuple[Member, ...]:
        """Train θ0 at full width."""
        whole = full_masks(self.units.masked)
        return self._train(0, dict.fromkeys(self.full_width.population.runs.numbers, whole), {})

    def next_round(self, standing: Sequence[Member]) -> tuple[Member, ...]:
        """Score, drop, rewind, train; a run whose layers are all down to one unit ends."""
        samples = self.full_width.training.data.train_samples
        observed = observe_members(standing, self.units, samples, self.settings)
        plan: dict[int, Masks] = {}
        for member, means in zip(standing, observed, strict=True):
            masks = drop_units(member, self.units, samples, self.settings, means)
            if any(not torch.equal(masks[name], old) for name, old in member.masks.items()):
                plan[member.run] = masks
        baselines = {member.run: member.baseline_accuracy for member in standing}
        return self._train(standing[0].round + 1, plan, baselines) if plan else ()

    def _train(
        self, round_index: int, plan: dict[int, Masks], baselines: dict[int, float]
    ) -> tuple[Member, ...]:
        """Train each run under its masks, again while it is at chance and attempts are left."""
        outcomes = self._attempt(round_index, plan, 1)
        most = self.settings.recipe.attempts if round_index else 1
        for attempt in range(2, most + 1):
            stuck = {
                run: plan[run] for run, outcome in outcomes.items() if self._at_chance(outcome)
            }
            if not stuck:
                break
            outcomes |= self._attempt(round_index, stuck, attempt)
        return tuple(
            self._member((run, round_index), masks, outcomes[run], baselines.get(run))
            for run, masks in plan.items()
        )

    def _attempt(
        self, round_index: int, plan: dict[int, Masks], attempt: int
    ) -> dict[int, Outcome]:
        key = round_index + (attempt - 1) * NEXT_ATTEMPT
        networks = [self._start(run, round_index, key, masks) for run, masks in plan.items()]
        silenced = [
            handle
            for network, masks in zip(networks, plan.values(), strict=True)
            for handle in self.units.silence(network, masks)
        ]
        results = self._trained(networks, round_index, key, list(plan))
        for handle in silenced:
            handle.remove()
        for network, masks in zip(networks, plan.values(), strict=True):
            self.units.write_silence(network, masks)
        return {
            run: Outcome(network, result, attempt)
            for run, network, result in zip(plan, networks, results, strict=True)
        }

    def _start(self, run: int, round_index: int, key: int, masks: Masks) -> nn.Module:
        """Return what the survivors start from, cut out of full-width weights."""
        again = key != round_index
        full = (self.full_width.weights_of_attempt if again else self.full_width.weights)(run, key)
        groups, cut = self.units.groups, self.units.cut(masks)
        small = shrink(full, groups, cut)
        if round_index and self.settings.rewinding.rescale:
            rescale(small, full, groups, cut, self._few_inputs)
        return small.to(self.full_width.training.data.train_images.device)

    def _trained(
        self, networks: list[nn.Module], round_index: int, key: int, runs: list[int]
    ) -> list[Trained]:
        """Train the networks of these runs; round 0 passes the late weights on its way."""
        seed_of = self.full_width.population.runs.seed_of
        late = None if round_index else self.full_width.late_epochs
        results = train(
            networks,
            [torch_generator(seed_of(run), "batches", key) for run in runs],
            self.full_width.training,
            late_epochs=late,
            on_epoch=self._of_round(round_index, runs),
        )
        if late is not None:
            passed = (result.late_weights for result in results)
            self.full_width.remember(dict(zip(runs, passed, strict=True)))
        return results

    def _of_round(self, round_index: int, runs: list[int]) -> EpochHook | None:
        hook = self.on_epoch
        return hook and (lambda epoch, rows: hook(round_index, epoch, [runs[r] for r in rows]))

    @functools.cached_property
    def _few_inputs(self) -> Tensor:
        data = self.full_width.training.data
        return few_inputs(data.train_images, data.scaling)

    def _at_chance(self, outcome: Outcome) -> bool:
        return outcome.result.val_accuracy <= self.full_width.training.data.majority

    def _member(
        self, run_and_round: tuple[int, int], masks: Masks, outcome: Outcome, baseline: float | None
    ) -> Member:
        run, round_index = run_and_round
        runs, result = self.full_width.population.runs, outcome.result
        return Member(
            run=run,
            round=round_index,
            arch=architecture_name(runs.arch),
            seed=runs.seed_of(run),
            masks=masks,
            network=outcome.network.to("cpu"),
            epochs=tuple(result.epochs),
            val_accuracy=result.val_accuracy,
            baseline_accuracy=result.val_accuracy if baseline is None else baseline,
            collapsed=self._at_chance(outcome),
            removed=self.units.removed(masks),
            attempts=outcome.attempts,
        )
