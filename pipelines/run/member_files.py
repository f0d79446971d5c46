"""Members as bytes, and their histories as plain values."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

import torch
from safetensors.torch import load, save

from ensemble.storage.sealed import sha256_of
from pruning.dropnet.member import Member
from pruning.inference.cost import Cost, count_cost
from pruning.networks.architecture import build_network
from pruning.surgery import module_sizes, resize
from pruning.training.training_loop import Epoch


@dataclass(frozen=True)
class Stored:
    """One stored round: everything but its tensors.

    Attributes
    ----------
    round, remaining, val_accuracy, collapsed, removed, attempts
        As in `Member`.
    cost
        Per sample.
    widths
        Group name → (units left, units of round 0).
    sizes
        Module name → stored sizes, what `resize` takes.
    epochs
        What was seen while it trained.
    sha256
        Checksum of the tensor file.
    """

    round: int
    remaining: float
    val_accuracy: float
    collapsed: bool
    cost: Cost
    widths: dict[str, tuple[int, int]]
    sizes: dict[str, dict[str, int]]
    epochs: tuple[Epoch, ...]
    sha256: str
    removed: float | None = None
    attempts: int = 1

    @staticmethod
    def file_name(round_index: int) -> str:
        """Return the tensor file's name."""
        return f"round-{round_index}.safetensors"

    def held(self, kappa: float, baseline: Stored) -> bool:
        """Whether accuracy stayed above κ × round 0's (round 0 always holds)."""
        return self.round == 0 or self.val_accuracy > kappa * baseline.val_accuracy


@dataclass(frozen=True)
class History:
    """One run: its rounds in order, none missing."""

    run: int
    arch: str
    seed: int
    rounds: tuple[Stored, ...]

    def handed_on(self, kappa: float) -> Stored:
        """Return the smallest network that still held."""
        return next(r for r in reversed(self.rounds) if r.held(kappa, self.rounds[0]))

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return dataclasses.asdict(self)

    @classmethod
    def from_json(cls, content: dict[str, Any]) -> History:
        """Return what `to_json` wrote."""
        rounds = tuple(
            Stored(
                **stored
                | {
                    "cost": Cost(**stored["cost"]),
                    "epochs": tuple(Epoch(**epoch) for epoch in stored["epochs"]),
                    "widths": {k: (v[0], v[1]) for k, v in stored["widths"].items()},
                }
            )
            for stored in content["rounds"]
        )
        return cls(content["run"], content["arch"], content["seed"], rounds)


def pack_member(member: Member, input_shape: tuple[int, ...]) -> tuple[bytes, Stored]:
    """Return a member's tensors as safetensors bytes, and the rest as a record."""
    tensors = {f"weights/{k}": v.contiguous() for k, v in member.network.state_dict().items()}
    tensors |= {f"mask/{k}": v for k, v in member.masks.items()}
    data = save(dict(sorted(tensors.items())))
    return data, Stored(
        round=member.round,
        remaining=member.remaining,
        val_accuracy=member.val_accuracy,
        collapsed=member.collapsed,
        cost=count_cost(member.network, input_shape),
        widths={k: (int(v.sum()), v.numel()) for k, v in member.masks.items()},
        sizes=module_sizes(member.network),
        epochs=member.epochs,
        sha256=sha256_of(data),
        removed=member.removed,
        attempts=member.attempts,
    )


def unpack_member(
    data: bytes,
    history: History,
    entry: Stored,
    num_classes: int,
    input_shape: tuple[int, ...],
) -> Member:
    """Return the member that `pack_member` stored."""
    tensors = load(data)
    masks = _under("mask/", tensors)
    network = build_network(history.arch, num_classes, input_shape, history.seed)
    resize(network, entry.sizes)
    network.load_state_dict(_under("weights/", tensors))
    return Member(
        run=history.run,
        round=entry.round,
        arch=history.arch,
        seed=history.seed,
        masks={name: masks[name] for name in entry.widths},
        network=network.eval(),
        epochs=entry.epochs,
        val_accuracy=entry.val_accuracy,
        baseline_accuracy=history.rounds[0].val_accuracy,
        collapsed=entry.collapsed,
        removed=entry.removed,
        attempts=entry.attempts,
    )


def _under(prefix: str, tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}
