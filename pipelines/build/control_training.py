"""Training controls: unpruned networks, trained like the others, as costly as the team."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from torch import nn

from pipelines.build.device import on
from pipelines.build.progress import Tell, Tenths
from pipelines.run.control_files import CONTROL, SMALL_TEAM, Control
from pipelines.run.records import InMemory, RoundRecord, RunHistory
from pipelines.run.resolved import ResolvedConfig
from pruning.core.seeds import torch_generator
from pruning.core.threads import threads
from pruning.data.splits import Splits
from pruning.dropnet.member import Member
from pruning.dropnet.settings import DropNet, Rewinding
from pruning.inference.cost import Cost
from pruning.networks.architecture import Architecture, architecture_name
from pruning.surgery import find_groups, full_masks
from pruning.surgery.widening import factor_for_flops, widened
from pruning.training import DeviceData, Trained, Training, train
from pruning.training.checkpoint import Checkpoints, TrainingState
from pruning.training.class_weights import accuracy_of_one_answer
from pruning.training.recipe import Recipe
from pruning.training.training_loop import resolved_recipe


def check_control(
    archs: Sequence[Architecture], num_classes: int, input_shape: tuple[int, ...]
) -> None:
    """Refuse, before any training, an architecture whose widths cannot be scaled."""
    for arch in archs:
        widened(arch, 2.0, num_classes, input_shape)


def train_control(
    name: str,
    team: Sequence[RoundRecord],
    resolved: ResolvedConfig,
    splits: Splits,
    tell: Tell = lambda _: None,
    device: str = "cpu",
    checkpoints: Checkpoints | None = None,
) -> Control:
    """Train a control of a chosen team: one network, or as many small ones as the team has.

    The architecture is the one that most of the team have, recipe and stopping rule those of
    round 0, seeds those after the last run's; one thread, so that they are the same again. All
    layers start from a draw and train alike, also where the team's started from given weights.
    Where the team kept its trained weights from round to round, the control's learning rate
    goes back as often as brings it nearest to the team's epochs of training.

    Parameters
    ----------
    name
        One of `CONTROLS`.
    team
        The chosen rounds.
    resolved
        What the run was asked.
    splits
        ``train`` trains, ``val`` stops.
    tell
        Told in a line what is trained, and now and then how far it has come.
    device
        Where it is trained, by torch's name.
    checkpoints
        Of these networks' trainings, which are called ``"control-0"`` and so on.
    """
    flops = Cost.total(record.cost for record in team).flops
    architectures = [resolved.architecture_of(record.run) for record in team]
    arch = Counter(architectures).most_common(1)[0][0]
    classes, shape = len(resolved.classes), resolved.input_shape
    runs = control_runs(name, resolved.config.m, len(team))
    factor = factor_for_flops(arch, classes, shape, flops / len(runs))
    many, said = "one" if name == CONTROL else len(runs), name.replace("_", " ")
    tell(
        f"{said}: {many} {architecture_name(arch)} at {factor:.3g} times the "
        f"widths, {'together ' * (len(runs) > 1)}as costly as the team"
    )
    seeds = [resolved.config.seed + run for run in runs]
    networks = [widened(arch, factor, classes, shape, seed) for seed in seeds]
    data = DeviceData.of(splits, device)
    seen = sum(record.epochs_seen or 0 for record in team) / len(team)
    group = next(group for group in resolved.groups if group.runs.arch == arch)
    dropnet = group.settings(resolved.config)
    training = Training(data, _from_a_draw(dropnet), group.engine, checkpoints=checkpoints)
    with on(device):
        moved = [network.to(device) for network in networks]
        course = _Course.of(moved[0], training, dropnet.rewinding, seen)
        tenths = Tenths(tell, said, course.all_epochs)
        results, before = course.train(name, moved, seeds, tenths)
    floor = accuracy_of_one_answer(dropnet.recipe.class_weights, data.val_labels)
    members = [
        Member(
            run=run, round=0, arch=architecture_name(arch), seed=seed, network=network.cpu(),
            masks=full_masks(find_groups(network, shape)), epochs=tuple(result.epochs),
            val_accuracy=result.val_accuracy, baseline_accuracy=result.val_accuracy,
            collapsed=result.val_accuracy <= floor, epochs_before=epochs_before,
        )
        for run, seed, network, result, epochs_before in zip(
            runs, seeds, networks, results, before, strict=True
        )
    ]  # fmt: skip
    records = [RoundRecord.of(member, shape, InMemory(member)) for member in members]
    histories = tuple(RunHistory((record,)) for record in records)
    return Control(name, tuple(one.id for one in team), flops, factor, histories)


def control_runs(name: str, m: int, size: int) -> range:
    """Return the numbers of a control's networks, after the M runs'; no two controls share one."""
    return range(m, m + 1) if name != SMALL_TEAM else range(m + 1, m + 1 + size)


def _from_a_draw(dropnet: DropNet) -> Recipe:
    """Return the recipe without what spares given weights: a control has none."""
    if dropnet.init is None:
        return dropnet.recipe
    return replace(dropnet.recipe, backbone_rate=1.0, head_epochs=0)


@dataclass(frozen=True, eq=False)
class _Course:
    """How a control is trained: a whole training, then `times` - 1 from epoch `first` on."""

    training: Training
    epochs: int
    first: int
    times: int

    @classmethod
    def of(
        cls, network: nn.Module, training: Training, rewinding: Rewinding, wanted: float
    ) -> _Course:
        """Return what comes nearest to the epochs wanted, as the rewinding of the team allows."""
        epochs = resolved_recipe(training, network).max_epochs or 0
        first = (rewinding.late_part_of(epochs) or 0) if rewinding.goes_on else 0
        more = max(0.0, wanted - epochs) if rewinding.to == "trained" else 0.0
        return cls(training, epochs, first, 1 + round(more / max(1, epochs - first)))

    @property
    def all_epochs(self) -> int:
        """Of all its trainings, at most."""
        return self.epochs + (self.times - 1) * (self.epochs - self.first)

    def train(
        self, name: str, networks: list[nn.Module], seeds: Sequence[int], tenths: Tenths
    ) -> tuple[list[Trained], list[int]]:
        """Train in place; return the last trainings, and the epochs that each had before it."""
        counts = [[0] * len(networks)]  # epochs before each training
        with threads(1):
            for again in range(self.times):
                first = self.first if again else 0
                orders = [torch_generator(seed, "batches", again) for seed in seeds]
                results = train(
                    networks, orders, self.training, first=first, name=f"{name}-{again}",
                    on_epoch=tenths.after(max(counts[-1]) - first),
                )  # fmt: skip
                if kept := self.training.checkpoints:
                    kept.finished(f"{name}-{again}", TrainingState(self.epochs, (), results))
                seen = [len(result.epochs) for result in results]
                counts.append([sum(both) for both in zip(counts[-1], seen, strict=True)])
        return results, counts[-2]
