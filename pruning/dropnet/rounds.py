"""A population's rounds: score, drop, rewind, train, all members side by side."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from pruning.core.errors import RequestError
from pruning.core.seeds import torch_generator
from pruning.core.stages import Stages
from pruning.dropnet.aim import Aim
from pruning.dropnet.coupling import PrunableUnits
from pruning.dropnet.dropping import drop_units, observe_members
from pruning.dropnet.member import Member
from pruning.dropnet.population import Runs
from pruning.dropnet.rescaling import few_inputs, rescale
from pruning.dropnet.rewinding import FullWidth, ProgressHook, of_round
from pruning.dropnet.settings import DropNet
from pruning.networks.architecture import architecture_name
from pruning.surgery import Masks, full_masks, shrink
from pruning.training.class_weights import accuracy_of_one_answer
from pruning.training.lesson import Lesson
from pruning.training.trained import Trained
from pruning.training.training_loop import train

NEXT_ATTEMPT = 100_000
"""Added to a round's number per further attempt: a number beyond any round, so that no two
attempts draw from one stream."""


@dataclass(frozen=True, eq=False)
class Step:
    """What one run does in a round.

    Attributes
    ----------
    masks
        What survives.
    before
        The run's member of the round before; None in round 0.
    """

    masks: Masks
    before: Member | None = None


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
    aim
        How small a network has to become, where a target says so.
    stages
        Counts the seconds of each stage of a round.
    teachers
        The unpruned networks, by run, in order; empty where nobody teaches.
    """

    full_width: FullWidth
    units: PrunableUnits
    settings: DropNet
    on_epoch: ProgressHook | None = None
    aim: Aim | None = None
    stages: Stages = field(default_factory=Stages)
    teachers: Mapping[int, nn.Module] = field(default_factory=dict)

    def first_round(self) -> tuple[Member, ...]:
        """Train θ0 at full width."""
        whole = full_masks(self.units.masked)
        return self._train(0, dict.fromkeys(self.full_width.population.runs.numbers, Step(whole)))

    def next_round(self, standing: Sequence[Member]) -> tuple[Member, ...]:
        """Score, drop, rewind, train; a run ends that cannot lose a unit, or lost a layer."""
        with self.stages("scoring"):
            plan = self._dropped(standing)
        return self._train(standing[0].round + 1, plan) if plan else ()

    def _dropped(self, standing: Sequence[Member]) -> dict[int, Step]:
        """Score and drop; return the step of each run that lost units."""
        samples = self.full_width.training.data.train_samples
        observed = observe_members(standing, self.units, samples, self.settings)
        plan: dict[int, Step] = {}
        for member, means in zip(standing, observed, strict=True):
            aim = self.aim
            enough = functools.partial(aim.met_under, member, self.units) if aim else None
            masks = drop_units(member, self.units, samples, self.settings, means, enough)
            changed = any(not torch.equal(masks[name], old) for name, old in member.masks.items())
            if changed and all(bool(mask.any()) for mask in masks.values()):
                plan[member.run] = Step(masks, member)
        return plan

    def _train(self, round_index: int, plan: dict[int, Step]) -> tuple[Member, ...]:
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
            self._member((run, round_index), step, outcomes[run]) for run, step in plan.items()
        )

    def _attempt(self, round_index: int, plan: dict[int, Step], attempt: int) -> dict[int, Outcome]:
        key = round_index + (attempt - 1) * NEXT_ATTEMPT
        with self.stages("cutting"):
            networks = [self._start(run, round_index, key, step) for run, step in plan.items()]
            silenced = [
                handle
                for network, step in zip(networks, plan.values(), strict=True)
                for handle in self.units.silence(network, step.masks)
            ]
        results = self._trained(networks, round_index, key, list(plan))
        for handle in silenced:
            handle.remove()
        for network, step in zip(networks, plan.values(), strict=True):
            self.units.write_silence(network, step.masks)
        return {
            run: Outcome(network, result, attempt)
            for run, network, result in zip(plan, networks, results, strict=True)
        }

    def _start(self, run: int, round_index: int, key: int, step: Step) -> nn.Module:
        """Return what the survivors start from, cut out of larger weights."""
        again = key != round_index
        if step.before is not None and self.settings.rewinding.to == "trained" and not again:
            small = shrink(step.before.network, *self.units.within(step.before.masks, step.masks))
            return small.to(self.full_width.training.data.train_images.device)
        weights = self.full_width.weights_of_attempt if again else self.full_width.weights
        full, groups, cut = weights(run, key), self.units.groups, self.units.cut(step.masks)
        small = shrink(full, groups, cut)
        if round_index and self.settings.rewinding.rescale:
            rescale(small, full, groups, cut, self._few_inputs)
        return small.to(self.full_width.training.data.train_images.device)

    def _trained(
        self, networks: list[nn.Module], round_index: int, key: int, runs: list[int]
    ) -> list[Trained]:
        """Train the networks of these runs; round 0 passes the late weights on its way."""
        seed_of = self.full_width.population.runs.seed_of
        late, again = self.full_width.late_epochs, key != round_index
        goes_on = bool(round_index) and not again and self.settings.rewinding.goes_on
        passes = not round_index and self.settings.rewinding.to == "late"
        with self.stages("training"):
            results = train(
                networks,
                [torch_generator(seed_of(run), "batches", key) for run in runs],
                self.full_width.training,
                first=(late or 0) if goes_on else 0,
                late_epochs=late if passes else None,
                on_epoch=of_round(self.on_epoch, round_index, runs),
                lesson=self._lesson(runs) if round_index else None,
                name=str(key),
            )
        if passes:
            passed = (result.late_weights for result in results)
            self.full_width.remember(dict(zip(runs, passed, strict=True)))
        return results

    def _lesson(self, runs: list[int]) -> Lesson | None:
        if not self.teachers:
            return None
        teaching, images = self.settings.teaching, self.full_width.training.data.train_images
        own, everyone = [self.teachers[run] for run in runs], tuple(self.teachers.values())
        return Lesson.of(
            [(network,) if teaching.teacher == "own" else everyone for network in own],
            images.device, weight=teaching.weight, temperature=teaching.temperature,
            perturb=teaching.perturb, movers=own if teaching.perturb else (),
        )  # fmt: skip

    @functools.cached_property
    def _few_inputs(self) -> Tensor:
        data = self.full_width.training.data
        return few_inputs(data.train_images, data.scaling)

    def _at_chance(self, outcome: Outcome) -> bool:
        training = self.full_width.training
        kind, labels = training.recipe.class_weights, training.data.val_labels
        return outcome.result.val_accuracy <= accuracy_of_one_answer(kind, labels)

    def _member(self, run_and_round: tuple[int, int], step: Step, outcome: Outcome) -> Member:
        run, round_index = run_and_round
        runs, result, masks = self.full_width.population.runs, outcome.result, step.masks
        baseline = step.before.baseline_accuracy if step.before else result.val_accuracy
        return Member(
            run=run,
            round=round_index,
            arch=architecture_name(runs.arch),
            seed=runs.seed_of(run),
            masks=masks,
            network=outcome.network.to("cpu"),
            epochs=tuple(result.epochs),
            val_accuracy=result.val_accuracy,
            baseline_accuracy=baseline,
            collapsed=self._at_chance(outcome),
            removed=self.units.removed(masks),
            attempts=outcome.attempts,
            epochs_before=self._epochs_before(step, outcome),
        )

    def _epochs_before(self, step: Step, outcome: Outcome) -> int:
        """Return how many epochs the weights had seen that the round began with."""
        if step.before is None or outcome.attempts > 1:
            return 0
        if self.settings.rewinding.to == "trained":
            return step.before.epochs_seen
        return (self.full_width.late_epochs or 0) if self.settings.rewinding.to == "late" else 0


def teachers_of(unpruned: Sequence[Member], runs: Runs, settings: DropNet) -> dict[int, nn.Module]:
    """Return the networks of these members of round 0 by run; empty where nobody teaches.

    Raises
    ------
    RequestError
        If they are not unpruned, or one that should teach is not there.
    """
    teacher = settings.teaching.teacher
    if teacher == "none":
        return {}
    networks = {m.run: m.network for m in sorted(unpruned, key=lambda member: member.run)}
    if any(member.round for member in unpruned) or set(runs.numbers) - networks.keys():
        raise RequestError(
            f"`teacher` {teacher!r}: a population that goes on from a pruned round is taught by "
            "its unpruned networks; give round 0 of every run as `unpruned`"
        )
    return networks
