"""Training the control: one unpruned network, trained like the others, as costly as the team."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

from torch import nn

from pipelines.build.device import on
from pipelines.run.control_files import Control
from pipelines.run.records import InMemory, RoundRecord, RunHistory
from pipelines.run.resolved import ResolvedConfig
from pruning.core.seeds import torch_generator
from pruning.core.threads import threads
from pruning.data.splits import Splits
from pruning.dropnet.member import Member
from pruning.inference.cost import Cost
from pruning.networks.architecture import Architecture, architecture_name
from pruning.surgery import find_groups, full_masks
from pruning.surgery.widening import factor_for_flops, widened
from pruning.training import DeviceData, Trained, Training, train
from pruning.training.class_weights import accuracy_of_one_answer
from pruning.training.training_loop import resolved_recipe

Tell = Callable[[str], None]


def check_control(
    archs: Sequence[Architecture], num_classes: int, input_shape: tuple[int, ...]
) -> None:
    """Refuse, before any training, an architecture whose widths cannot be scaled."""
    for arch in archs:
        widened(arch, 2.0, num_classes, input_shape)


def train_control(
    team: Sequence[RoundRecord],
    resolved: ResolvedConfig,
    splits: Splits,
    tell: Tell = lambda _: None,
    device: str = "cpu",
) -> Control:
    """Train the control of a chosen team.

    Its architecture is the one that most of the team have, its recipe and stopping rule those
    of round 0, its seed the one after the last run's; one thread, so that it is the same again.
    Where the team kept its trained weights from round to round, the control's learning rate
    goes back as often as brings it nearest to the team's epochs of training.

    Parameters
    ----------
    team
        The chosen rounds.
    resolved
        What the run was asked.
    splits
        ``train`` trains, ``val`` stops.
    tell
        Told in a line what is trained.
    device
        Where it is trained, by torch's name.
    """
    flops = Cost.total(record.cost for record in team).flops
    architectures = [resolved.architecture_of(record.run) for record in team]
    arch = Counter(architectures).most_common(1)[0][0]
    classes, shape = len(resolved.classes), resolved.input_shape
    seed = resolved.config.seed + resolved.config.m
    factor = factor_for_flops(arch, classes, shape, flops)
    name = architecture_name(arch)
    tell(f"control: one {name} at {factor:.3g} times its widths, as costly as the team")
    network = widened(arch, factor, classes, shape, seed)
    data = DeviceData.of(splits, device)
    seen = sum(record.epochs_seen or 0 for record in team) / len(team)
    with on(device):
        result, before = _trained(network.to(device), arch, seed, seen, data, resolved)
    weights = resolved.config.dropnet.recipe.class_weights
    member = Member(
        run=resolved.config.m, round=0, arch=name, seed=seed, network=network.cpu(),
        masks=full_masks(find_groups(network, shape)), epochs=tuple(result.epochs),
        val_accuracy=result.val_accuracy, baseline_accuracy=result.val_accuracy,
        collapsed=result.val_accuracy <= accuracy_of_one_answer(weights, data.val_labels),
        epochs_before=before,
    )  # fmt: skip
    record = RoundRecord.of(member, shape, InMemory(member))
    return Control(tuple(one.id for one in team), flops, factor, RunHistory((record,)))


def _trained(
    network: nn.Module,
    arch: Architecture,
    seed: int,
    wanted: float,
    data: DeviceData,
    resolved: ResolvedConfig,
) -> tuple[Trained, int]:
    """Train for about the epochs wanted; return the last training and the epochs before it."""
    dropnet = resolved.config.dropnet
    engine = next(group.engine for group in resolved.groups if group.runs.arch == arch)
    training = Training(data, dropnet.recipe, engine)
    rewinding = dropnet.rewinding
    epochs = resolved_recipe(training, network).max_epochs or 0
    first = (rewinding.late_part_of(epochs) or 0) if rewinding.goes_on else 0
    more = max(0.0, wanted - epochs) if rewinding.to == "trained" else 0.0
    times = round(more / max(1, epochs - first))
    before = 0
    with threads(1):
        [result] = train([network], [torch_generator(seed, "batches", 0)], training)
        for again in range(1, times + 1):
            before += len(result.epochs)
            order = torch_generator(seed, "batches", again)
            [result] = train([network], [order], training, first=first)
    return result, before
