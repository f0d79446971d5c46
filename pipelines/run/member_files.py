"""Members as files: a round's tensors, and the history that names and checksums them."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load, save

from ensemble.storage.sealed import sha256_of, write_bytes_atomic
from pipelines.run.records import RoundRecord, RunHistory
from pruning.core.errors import DamagedRunError
from pruning.dropnet.member import Member
from pruning.inference.cost import Cost
from pruning.networks.architecture import build_network
from pruning.networks.weights import load_weights, tensors_of
from pruning.surgery import module_sizes, resize
from pruning.training.trained import Epoch


@dataclass(frozen=True)
class MemberShape:
    """What all members of a run have in common: their answer and their input."""

    num_classes: int
    input_shape: tuple[int, ...]


@dataclass(frozen=True)
class TensorFile:
    """A round's tensors in a safetensors file.

    Attributes
    ----------
    path
        The file.
    sha256
        Its checksum.
    sizes
        Module name → stored sizes, what `resize` takes.
    shape
        Of the network.
    """

    path: Path
    sha256: str
    sizes: Mapping[str, Mapping[str, int]]
    shape: MemberShape

    def check(self) -> None:
        """Raise `DamagedRunError` if the file is missing or not what was written."""
        self.read()

    def read(self) -> bytes:
        """Return the file's bytes; raise `DamagedRunError` as `check` does."""
        return read_checked(self.path, self.sha256)

    def load(self, record: RoundRecord) -> Member:
        """Return the member, its network built anew with the stored sizes and tensors."""
        return _member(record, self.read(), self.sizes, self.shape)


@dataclass(frozen=True, eq=False)
class TensorBytes:
    """A round's tensors as the bytes of a safetensors file, on their way between machines.

    Attributes
    ----------
    data
        The bytes.
    sizes, shape
        As in `TensorFile`.
    """

    data: bytes = field(repr=False)
    sizes: Mapping[str, Mapping[str, int]]
    shape: MemberShape

    def check(self) -> None:
        """Nothing can have happened to them."""

    def load(self, record: RoundRecord) -> Member:
        """Return the member, its network built anew with the stored sizes and tensors."""
        return _member(record, self.data, self.sizes, self.shape)


def packed(member: Member, shape: MemberShape) -> RoundRecord:
    """Return a member as a record that holds its tensors as bytes."""
    held = TensorBytes(_bytes_of(member), module_sizes(member.network), shape)
    return RoundRecord.of(member, shape.input_shape, held)


def write_member(member: Member, path: Path, shape: MemberShape) -> RoundRecord:
    """Write a member's tensors to `path` and return the record that leads to them."""
    data = _bytes_of(member)
    write_bytes_atomic(path, data)
    file = TensorFile(path, sha256_of(data), module_sizes(member.network), shape)
    return RoundRecord.of(member, shape.input_shape, file)


def _bytes_of(member: Member) -> bytes:
    held = tensors_of(member.network).items()
    # A layer under two names is held twice: its file shares no memory.
    tensors = {f"weights/{k}": v.contiguous().clone() for k, v in held}
    tensors |= {f"mask/{k}": v for k, v in member.masks.items()}
    data: bytes = save(dict(sorted(tensors.items())))
    return data


def _member(
    record: RoundRecord, data: bytes, sizes: Mapping[str, Mapping[str, int]], shape: MemberShape
) -> Member:
    """Return the member of a record, its network built anew with stored sizes and tensors."""
    tensors = load(data)
    masks = _under("mask/", tensors)
    network = build_network(record.arch, shape.num_classes, shape.input_shape, record.seed)
    resize(network, sizes)
    load_weights(network, _under("weights/", tensors))
    return Member(
        run=record.run,
        round=record.round,
        arch=record.arch,
        seed=record.seed,
        masks={name: masks[name] for name in record.widths},
        network=network.eval(),
        epochs=record.epochs,
        val_accuracy=record.val_accuracy,
        baseline_accuracy=record.baseline_accuracy,
        collapsed=record.collapsed,
        removed=record.removed,
        attempts=record.attempts,
        epochs_before=record.epochs_before or 0,
    )


def history_to_json(history: RunHistory) -> dict[str, Any]:
    """Return the content of ``history.json``; every round's tensors are in a `TensorFile`."""
    return {
        "run": history.run,
        "arch": history.arch,
        "seed": history.seed,
        "rounds": [_round_to_json(record) for record in history.rounds],
    } | ({"ended": True} if history.ended else {})


def history_from_json(
    content: Mapping[str, Any], files: Mapping[int, Path], shape: MemberShape
) -> RunHistory:
    """Return what `history_to_json` wrote; `files` are those of its rounds, by number."""
    rounds = tuple(
        _round_from_json(content, entry, files[entry["round"]], shape)
        for entry in content["rounds"]
    )
    return RunHistory(rounds, content.get("ended", False))


def read_checked(file: Path, checksum: str) -> bytes:
    """Return the bytes of a file, its checksum verified against the one recorded of it."""
    way_out = f"delete {file.parent} and give the `ensemble build` command that trained it again"
    try:
        data = file.read_bytes()
    except OSError as error:
        raise DamagedRunError(f"{file} cannot be read: {error.strerror}; {way_out}") from error
    if sha256_of(data) != checksum:
        raise DamagedRunError(f"{file} is damaged: its checksum is not the recorded one; {way_out}")
    return data


_OF_THE_ROUND = ("round", "remaining", "val_accuracy", "collapsed", "removed", "attempts")


def _round_to_json(record: RoundRecord) -> dict[str, Any]:
    file = record.source
    if not isinstance(file, TensorFile):
        raise TypeError(f"{record.id} has no file of tensors that its history could name")
    return {name: getattr(record, name) for name in _OF_THE_ROUND} | {
        "epochs_before": record.epochs_before,
        "cost": dataclasses.asdict(record.cost),
        "widths": {name: list(units) for name, units in record.widths.items()},
        "epochs": [dataclasses.asdict(epoch) for epoch in record.epochs],
        "sizes": file.sizes,
        "sha256": file.sha256,
    }


def _round_from_json(
    run: Mapping[str, Any], entry: Mapping[str, Any], path: Path, shape: MemberShape
) -> RoundRecord:
    return RoundRecord(
        run=run["run"],
        arch=run["arch"],
        seed=run["seed"],
        baseline_accuracy=run["rounds"][0]["val_accuracy"],
        cost=Cost(**entry["cost"]),
        widths={name: (kept, full) for name, (kept, full) in entry["widths"].items()},
        epochs=tuple(Epoch(**epoch) for epoch in entry["epochs"]),
        epochs_before=entry.get("epochs_before"),
        source=TensorFile(path, entry["sha256"], entry["sizes"], shape),
        **{name: entry[name] for name in _OF_THE_ROUND},
    )


def _under(prefix: str, tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}
