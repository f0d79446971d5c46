"""The control as it is kept: one unpruned network as costly as the chosen team.

control/control.json          what it is; checksums its weights
control/network.safetensors
control/select.npz, test.npz  its predictions
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path

from ensemble.storage.sealed import seal, write_bytes_atomic, write_json_atomic
from pipelines.run.directory import RunDirectory
from pipelines.run.member_files import History, pack_member, unpack_member
from pipelines.run.predictions import npz_bytes, read_predictions
from pruning.core.errors import DamagedRunError
from pruning.data.splits import Split
from pruning.dropnet.member import Member
from pruning.inference.cost import Cost
from pruning.inference.probabilities import predict_probabilities
from selection.pool import PoolPredictions

CONTROL = "control"
"""What the control is called, among pool rows and among contenders."""


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
    flops: float
    factor: float
    history: History

    @property
    def cost(self) -> Cost:
        """Of the control, per sample."""
        return self.history.rounds[0].cost


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


def store_control(
    run: RunDirectory, member: Member, team: tuple[str, ...], flops: float, factor: float
) -> Control:
    """Keep a trained control; predictions of an earlier one go."""
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


def _weights_file(run: RunDirectory) -> Path:
    return run.control_file.with_name("network.safetensors")
