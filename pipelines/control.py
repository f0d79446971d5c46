"""The control: one unpruned network, trained like the others, as costly as the chosen team.

control/control.json          what it is; checksums its weights
control/network.safetensors
control/select.npz, test.npz  its predictions
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ensemble.files import seal, write_bytes_atomic, write_json_atomic
from pipelines.contenders import CONTROL
from pipelines.device import threads
from pipelines.evidence import run_and_round
from pipelines.predictions import npz_bytes, read_predictions
from pipelines.records import History, pack_member, unpack_member
from pipelines.run import RunDirectory
from pruning.cost import Cost
from pruning.data.splits import Split, Splits
from pruning.errors import DamagedRunError
from pruning.inference import predict_probabilities
from pruning.member import Member
from pruning.seeds import torch_generator
from pruning.surgery import find_groups, full_masks
from pruning.training import DeviceData, train
from pruning.widening import factor_for_flops, widened
from selection.pool import PoolPredictions
from selection.team import Selection

Tell = Callable[[str], None]


@dataclass(frozen=True)
class Control:
    """A stored control.

    Attributes
    ----------
    team
        The members it is as costly as.
    flops
        FLOPs of that team, per sample.
    factor
        All widths of the architecture were multiplied by this.
    history
        The network: its only round, numbered after the last of the M runs.
    """

    team: tuple[str, ...]
    flops: int
    factor: float
    history: History

    @property
    def cost(self) -> Cost:
        """Of the control, per sample."""
        return self.history.rounds[0].cost


def check_control(archs: Sequence[str], num_classes: int, input_shape: tuple[int, ...]) -> None:
    """Refuse, before any training, an architecture whose widths cannot be scaled."""
    for arch in archs:
        widened(arch, 2.0, num_classes, input_shape)


def stored_control(run: RunDirectory, team: tuple[str, ...]) -> Control | None:
    """Return the control of this team; None if there is none, or it is of another team."""
    if not run.control_file.is_file():
        return None
    content = run.sealed(run.control_file)
    try:
        control = Control(
            tuple(content["team"]), content["flops"], content["factor"],
            History.from_json(content["history"]),
        )  # fmt: skip
    except (KeyError, TypeError) as error:
        raise DamagedRunError(f"{run.control_file}: {error}; delete it") from error
    return control if control.team == team else None


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
        result = train([network], data, root.config.dropnet.recipe, [order], engine=engine)[0]
    network = network.cpu()
    member = Member(
        run=number, round=0, arch=arch, seed=seed, network=network,
        masks=full_masks(find_groups(network, shape)), epochs=tuple(result.epochs),
        val_accuracy=result.val_accuracy, baseline_accuracy=result.val_accuracy,
        collapsed=result.val_accuracy <= data.majority,
    )  # fmt: skip
    return _store(run, member, selection.team, flops, factor)


def control_predictions(
    run: RunDirectory, control: Control, name: str, split: Split
) -> PoolPredictions:
    """Return the control's predictions on a split, made once and kept."""
    file = run.control_file.with_name(f"{name}.npz")
    if file.exists():
        kept = read_predictions(file, name)
        if len(kept.labels) == len(split.labels) and (kept.labels == split.labels).all():
            return kept
    root = run.root
    network = load_control(run, control).network
    found = predict_probabilities(network, split.images, root.input_scaling, device=root.device)
    pool = PoolPredictions(found[None], split.labels, (CONTROL,), name)
    write_bytes_atomic(file, npz_bytes(pool))
    return pool


def load_control(run: RunDirectory, control: Control) -> Member:
    """Return the control with its network."""
    entry = control.history.rounds[0]
    data = run.read_checked(_weights_file(run), entry.sha256)
    return unpack_member(data, control.history, entry, len(run.root.classes), run.root.input_shape)


def _arch_and_flops(run: RunDirectory, team: tuple[str, ...]) -> tuple[str, int]:
    found = []
    for name in team:
        number, round_index = run_and_round(name)
        history = run.history(number)
        found.append((history.arch, history.rounds[round_index].cost.flops))
    most = Counter(arch for arch, _ in found).most_common(1)[0][0]
    return most, sum(flops for _, flops in found)


def _store(
    run: RunDirectory, member: Member, team: tuple[str, ...], flops: int, factor: float
) -> Control:
    data, entry = pack_member(member, run.root.input_shape)
    history = History(member.run, member.arch, member.seed, (entry,))
    file = _weights_file(run)
    file.parent.mkdir(exist_ok=True)
    for old in file.parent.glob("*.npz"):
        old.unlink()
    write_bytes_atomic(file, data)
    control = Control(team, flops, factor, history)
    write_json_atomic(run.control_file, seal(dataclasses.asdict(control)))
    return control


def _weights_file(run: RunDirectory) -> Path:
    return run.control_file.with_name("network.safetensors")
