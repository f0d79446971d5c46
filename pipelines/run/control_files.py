"""Controls: unpruned networks as costly as the chosen team, and how they are kept.

``control`` is one network, ``small_team`` as many as the team has. Each has a folder of its name:

control/control.json              what it is; checksums its weights
control/network.safetensors       of a small team network-0.safetensors, network-1.safetensors, …
control/select.npz, test.npz      its networks' predictions
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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

CONTROL, SMALL_TEAM = "control", "small_team"
CONTROLS = (CONTROL, SMALL_TEAM)
"""What controls are called: as folders, in the log, and among contenders."""


@dataclass(frozen=True)
class Control:
    """A trained control.

    Attributes
    ----------
    name
        One of `CONTROLS`.
    team
        The members it is as costly as.
    flops
        FLOPs of that team, per sample.
    factor
        All widths of the architecture were multiplied by this.
    histories
        Its networks: each one's only round, numbered after the M runs.
    """

    name: str
    team: tuple[str, ...]
    flops: float
    factor: float
    histories: tuple[RunHistory, ...]

    @property
    def records(self) -> tuple[RoundRecord, ...]:
        """The networks' rounds."""
        return tuple(history.rounds[0] for history in self.histories)

    @property
    def network_names(self) -> tuple[str, ...]:
        """What each network is called, alone the control's own name."""
        return tuple(f"{self.name}{end}" for end in _ends(self.name, len(self.histories)))


def option_of(name: str) -> str:
    """Return the option of `ensemble build` that asks for a control.

    >>> option_of("small_team")
    '--small-team'
    """
    return f"--{name.replace('_', '-')}"


def write_weights(control: Control, file: Path, shape: MemberShape) -> Control:
    """Write a control's weights beside `file`, and return it as kept; earlier predictions go."""
    file.parent.mkdir(exist_ok=True)
    for old in (*file.parent.glob("*.npz"), *file.parent.glob("*.safetensors")):
        old.unlink()
    records = [
        write_member(record.load(), place, shape)
        for record, place in zip(control.records, _weights(file, len(control.records)), strict=True)
    ]
    return replace(control, histories=tuple(RunHistory((record,)) for record in records))


def control_to_json(control: Control) -> bytes:
    """Return the content of ``control.json``; the weights are in their files."""
    content = {"team": control.team, "flops": control.flops, "factor": control.factor}
    histories = [history_to_json(history) for history in control.histories]
    if control.name == CONTROL:
        return json_bytes(seal(content | {"history": histories[0]}))
    return json_bytes(seal(content | {"histories": histories}))


def control_from_json(
    name: str, content: Mapping[str, Any], file: Path, shape: MemberShape
) -> Control:
    """Return the control whose `control_to_json` stands in `file`."""
    try:
        histories = [content["history"]] if name == CONTROL else content["histories"]
        return Control(
            name, tuple(content["team"]), content["flops"], content["factor"],
            tuple(
                history_from_json(history, {0: place}, shape)
                for history, place in zip(
                    histories, _weights(file, len(histories)), strict=True
                )
            ),
        )  # fmt: skip
    except (KeyError, TypeError, ValueError) as error:
        raise DamagedRunError(f"{file}: {error}; delete it") from error


def _weights(file: Path, networks: int) -> Sequence[Path]:
    ends = _ends(file.parent.name, networks)
    return [file.with_name(f"network{end}.safetensors") for end in ends]


def _ends(name: str, networks: int) -> Sequence[str]:
    """Return how names of a control's networks, and of their files, end: a lone one's in nothing.

    >>> _ends("control", 1), _ends("small_team", 2)
    ([''], ['-0', '-1'])
    """
    return [""] if name == CONTROL else [f"-{i}" for i in range(networks)]
