"""Trainings between two epochs as files: what a build goes on from that was stopped in a round.

Each is one safetensors file, which proves itself: in it, what it is of, sealed, and the
checksum of its tensors. One that is damaged, of another training or made with other versions is
not used: the round is trained again from its beginning.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from ensemble.storage.contents import MOST_BYTES
from ensemble.storage.regular import read_regular
from ensemble.storage.sealed import canonical_json, seal, unseal, write_bytes_atomic
from pipelines.run.file_names import RunFiles
from pipelines.run.fingerprint import versions
from pipelines.run.store import TrainingOf
from pruning.core.errors import RequestError
from pruning.training.checkpoint import TrainingState
from pruning.training.trained import Epoch, Trained

FORMAT = "dropnet-training"
_ABOUT = "about"
_PARTS = ("weights", "late")


class TrainingFiles:
    """States of a run's trainings on disk, beside the rounds of their group's first member."""

    def __init__(self, files: RunFiles) -> None:
        self._files = files

    def keep(self, of: TrainingOf, state: TrainingState, checksum: str) -> None:
        """Write a state, in place of an earlier one of the training.

        `checksum` is of what the run's ``config.json`` says, by which the file knows its run.
        """
        file = self._files.training_file(of.runs[0], of.name)
        file.parent.mkdir(parents=True, exist_ok=True)
        write_bytes_atomic(file, state_to_bytes(state, _bound(of, checksum)))

    def read(self, of: TrainingOf, checksum: str) -> TrainingState | None:
        """Return a training's state; None where there is none that can be used."""
        file = self._files.training_file(of.runs[0], of.name)
        if not file.exists():
            return None
        with suppress(RequestError):
            return state_from_bytes(read_regular(file, MOST_BYTES), _bound(of, checksum))
        return None

    def forget(self, runs: Sequence[int], but: Iterable[str] = ()) -> None:
        """Remove the states of a group's trainings; `but` names those that stay.

        The folder of a control's, which has no rounds there, goes with them.
        """
        staying = {self._files.training_file(runs[0], name) for name in but}
        for file in self._files.training_files(runs[0]):
            if file not in staying:
                file.unlink(missing_ok=True)
        with suppress(OSError):  # not empty, or not there
            self._files.training_file(runs[0], "").parent.rmdir()


def _bound(of: TrainingOf, checksum: str) -> dict[str, Any]:
    """Return what a file says that it is of."""
    return {
        "format": FORMAT,
        "config_checksum": checksum,
        "runs": list(of.runs),
        "training": of.name,
        "start": dict(of.start),
        "versions": versions(),
    }


def state_to_bytes(state: TrainingState, bound: Mapping[str, Any]) -> bytes:
    """Return a state as a safetensors file that says what it is of."""
    tensors = {f"engine/{i}": tensor for i, tensor in enumerate(state.engine)}
    tensors |= {f"order/{i}": order for i, order in enumerate(state.orders)}
    for i, result in enumerate(state.results):
        tensors |= {f"weights/{i}/{name}": value for name, value in result.weights.items()}
        tensors |= {f"late/{i}/{name}": value for name, value in result.late_weights.items()}
        epochs = [(e.train_loss, e.val_loss, e.val_accuracy) for e in result.epochs]
        tensors[f"epochs/{i}"] = torch.tensor(epochs, dtype=torch.float64).reshape(-1, 3)
    # A file shares no memory between its tensors.
    held = {name: tensor.detach().contiguous().clone() for name, tensor in tensors.items()}
    about = {
        **bound,
        "epoch": state.epoch,
        "rows": list(state.rows),
        "waited": [result.waited for result in state.results],
        "kept": [result.kept and result.epochs.index(result.kept) for result in state.results],
        "tensors": _checksum(held),
    }
    held[_ABOUT] = torch.frombuffer(bytearray(canonical_json(seal(about))), dtype=torch.uint8)
    data: bytes = save(held)
    return data


def state_from_bytes(data: bytes, bound: Mapping[str, Any]) -> TrainingState | None:
    """Return what `state_to_bytes` wrote; None if it is damaged, or of anything else."""
    try:
        tensors = load(data)
        about = unseal(tensors.pop(_ABOUT).numpy().tobytes(), _ABOUT)
        if about["tensors"] != _checksum(tensors) or about != {**about, **bound}:
            return None
        return _state(about, tensors)
    except (SafetensorError, RequestError, KeyError, TypeError, ValueError, IndexError):
        return None


def _state(about: Mapping[str, Any], tensors: dict[str, Tensor]) -> TrainingState:
    inside: dict[str, dict[str, Tensor]] = {}
    for name, tensor in tensors.items():
        part, row, *inner = name.split("/", 2)
        place = f"{part}/{row}" if inner else part
        inside.setdefault(place, {})[inner[0] if inner else row] = tensor
    results = []
    for i, (waited, kept) in enumerate(zip(about["waited"], about["kept"], strict=True)):
        epochs = [Epoch(*values) for values in inside["epochs"][str(i)].tolist()]
        weights, late = (inside.get(f"{part}/{i}", {}) for part in _PARTS)
        results.append(
            Trained(epochs, weights, None if kept is None else epochs[kept], late, waited)
        )
    return TrainingState(
        about["epoch"], tuple(about["rows"]), results,
        _listed(inside.get("order", {})), _listed(inside.get("engine", {})),
    )  # fmt: skip


def _listed(numbered: Mapping[str, Tensor]) -> list[Tensor]:
    return [numbered[str(i)] for i in range(len(numbered))]


def _checksum(tensors: Mapping[str, Tensor]) -> str:
    """Return the SHA-256 of tensors with their names, kinds and shapes, by name."""
    digest = hashlib.sha256()
    for name in sorted(tensors):
        tensor = tensors[name]
        digest.update(repr((name, str(tensor.dtype), tuple(tensor.shape))).encode())
        digest.update(tensor.reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()
