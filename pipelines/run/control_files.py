"""The control: one unpruned network as costly as the chosen team, and how it is kept.

control/control.json          what it is; checksums its weights
control/network.safetensors
control/select.npz, test.npz  its predictions
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ensemble.storage.sealed import json_bytes, seal
from pipelines.run.member_files import (
    MemberShape,
    history_from_json,
    history_to_json,
    write_member,
)
from pipelines.run.records import RoundRecord, RunHistory
from pruning.core.errors import DamagedRunError

CONTROL = "control"
"""What the control is called, among pool rows and among contenders."""


@dataclass(frozen=True)
class Control:
    """A trained control.

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
    history: RunHistory

    @property
    def record(self) -> RoundRecord:
        """The network's round."""
        return self.history.rounds[0]


def write_weights(control: Control, file: Path, shape: MemberShape) -> Control:
    """Write a control's weights beside `file`, and return it as kept; earlier predictions go."""
    file.parent.mkdir(exist_ok=True)
    for old in file.parent.glob("*.npz"):
        old.unlink()
    record = write_member(control.record.load(), _weights(file), shape)
    return replace(control, history=RunHistory((record,)))


def control_to_json(control: Control) -> bytes:
    """Return the content of ``control.json``; the weights are in their file."""
    content = {"team": control.team, "flops": control.flops, "factor": control.factor}
    return json_bytes(seal(content | {"history": history_to_json(control.history)}))


def control_from_json(content: Mapping[str, Any], file: Path, shape: MemberShape) -> Control:
    """Return the control whose `control_to_json` stands in `file`."""
    try:
        return Control(
            tuple(content["team"]), content["flops"], content["factor"],
            history_from_json(content["history"], {0: _weights(file)}, shape),
        )  # fmt: skip
    except (KeyError, TypeError, ValueError) as error:
        raise DamagedRunError(f"{file}: {error}; delete it") from error


def _weights(file: Path) -> Path:
    return file.with_name("network.safetensors")
