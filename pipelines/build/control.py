"""Training the control: one unpruned network, trained like the others, as costly as the team."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

from pipelines.build.device import threads
from pipelines.run.control import Control, store_control, stored_control
from pipelines.run.directory import RunDirectory
from pipelines.run.member_ids import run_and_round
from pruning.core.seeds import torch_generator
from pruning.data.splits import Splits
from pruning.dropnet.member import Member
from pruning.surgery import find_groups, full_masks
from pruning.surgery.widening import factor_for_flops, widened
from pruning.training import DeviceData, Training, train
from selection.team import Selection

Tell = Callable[[str], None]


def check_control(archs: Sequence[str], num_classes: int, input_shape: tuple[int, ...]) -> None:
    """Refuse, before any training, an architecture whose widths cannot be scaled."""
    for arch in archs:
        widened(arch, 2.0, num_classes, input_shape)


def train_control(
    run: RunDirectory, splits: Splits, selection: Selection, tell: Tell = lambda _: None
) -> Control:
    """Train and keep the control of a chosen team, unless it is there already.

    Its architecture is the one that most of the team have, its recipe and stopping rule those
    of round 0, its seed the one after the last run's; one thread, so that it is the same again.

    Parameters
    ----------
    run
        With its team chosen.
    splits
        ``train`` trains, ``val`` stops.
    selection
        The team.
    tell
        Told in a line what is trained.
    """
    if (there := stored_control(run, selection.team)) is not None:
        return there
    root = run.root
    arch, flops = _arch_and_flops(run, selection.team)
    classes, shape, number = len(root.classes), root.input_shape, root.config.m
    seed = root.config.seed + number
    factor = factor_for_flops(arch, classes, shape, flops)
    tell(f"control: one {arch} at {factor:.3g} times its widths, as costly as the team")
    network = widened(arch, factor, classes, shape, seed).to(root.device)
    data = DeviceData.of(splits, root.device)
    order = torch_generator(seed, "batches", 0)
    engine = next(group.engine for group in root.groups if group.runs.arch == arch)
    with threads(1):
        [result] = train([network], [order], Training(data, root.config.dropnet.recipe, engine))
    network = network.cpu()
    member = Member(
        run=number, round=0, arch=arch, seed=seed, network=network,
        masks=full_masks(find_groups(network, shape)), epochs=tuple(result.epochs),
        val_accuracy=result.val_accuracy, baseline_accuracy=result.val_accuracy,
        collapsed=result.val_accuracy <= data.majority,
    )  # fmt: skip
    return store_control(run, member, selection.team, flops, factor)


def _arch_and_flops(run: RunDirectory, team: tuple[str, ...]) -> tuple[str, float]:
    found = []
    for name in team:
        number, round_index = run_and_round(name)
        history = run.history(number)
        found.append((history.arch, history.rounds[round_index].cost.flops))
    most = Counter(arch for arch, _ in found).most_common(1)[0][0]
    return most, sum(flops for _, flops in found)
