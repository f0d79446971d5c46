"""``config.json``: what was asked, and all that was settled before training."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ensemble.storage.contents import RUN_FORMAT
from ensemble.storage.sealed import seal
from pipelines.run.config import BuildConfig
from pipelines.run.member_files import MemberShape
from pipelines.run.plan import Group
from pipelines.run.records import RunHistory
from pruning.dropnet.settings import DropNet
from pruning.networks.architecture import Architecture
from pruning.samples.reading import Reading
from pruning.samples.scaling import Scaling

ASKED = "asked"
"""The part of ``config.json`` that says what a run was asked."""

SETTLED = (
    "format", "groups", "device", "classes", "input_shape", "scaling", "split_sizes",
    "data_sha256", "versions",
)  # fmt: skip
"""What else stands there, beside its checksum: what a build settles anew."""


@dataclass(frozen=True)
class ResolvedConfig:
    """What a run was asked, and what its results depend on besides.

    Attributes
    ----------
    config
        What was asked.
    groups
        Which runs train together, how.
    device
        ``cpu`` or ``cuda``.
    classes
        Class names in column order: whole numbers or text.
    input_shape
        One sample, (C, H, W) or (F,).
    scaling
        What makes network input of stored samples.
    split_sizes
        Samples in each part.
    fingerprint
        SHA-256 of the data read.
    versions
        Of Python and the packages that compute.
    """

    config: BuildConfig
    groups: tuple[Group, ...]
    device: str
    classes: tuple[int, ...] | tuple[str, ...]
    input_shape: tuple[int, ...]
    scaling: Scaling
    split_sizes: dict[str, int]
    fingerprint: str
    versions: dict[str, str]

    @property
    def kappa(self) -> float:
        """κ of DropNet, which says what is handed on."""
        return self.config.dropnet.least_held

    def architecture_of(self, run: int) -> Architecture:
        """Return the architecture of a run: the (run mod number)-th that was asked for."""
        archs = self.config.archs
        found: Architecture = archs[run % len(archs)]
        return found

    def settings_of(self, run: int) -> DropNet:
        """Return what DropNet does with a run, a latency said in FLOPs."""
        group = next(group for group in self.groups if run in group.runs.numbers)
        return group.settings(self.config)

    def was_cut(self, history: RunHistory) -> bool:
        """Whether a run was stopped before its own end: another round would have followed."""
        first, last = history.rounds[0], history.rounds[-1]
        if history.ended:
            return False
        if self.config.pruner == "datafree":
            return last is first  # which would have been merged
        settings = self.settings_of(history.run)
        cost, whole = (last.cost.flops, last.cost.bytes), (first.cost.flops, first.cost.bytes)
        return (
            last.held(settings.least_held)
            and last.remaining > settings.least_kept
            and (settings.rounds is None or last.round < settings.rounds)
            and not (settings.target.given and settings.target.met_by(cost, whole))
            and any(left > 1 for left, _ in last.widths.values())
        )

    @property
    def member_shape(self) -> MemberShape:
        """What all members have in common."""
        return MemberShape(len(self.classes), self.input_shape)

    @property
    def config_sha256(self) -> str:
        """Checksum of what was asked."""
        return self.config.sha256

    def to_json(self) -> dict[str, Any]:
        """Return the content of ``config.json``, with the checksum of all the rest."""
        return seal({
            "format": RUN_FORMAT,
            ASKED: self.config.to_json(),
            "groups": [group.to_json() for group in self.groups],
            "device": self.device,
            "classes": list(self.classes),
            "input_shape": list(self.input_shape),
            "scaling": _scaling_to_json(self.scaling),
            "split_sizes": self.split_sizes,
            "data_sha256": self.fingerprint,
            "versions": self.versions,
        })  # fmt: skip

    @classmethod
    def from_json(cls, content: dict[str, Any]) -> ResolvedConfig:
        """Return what `to_json` wrote, of this version or an earlier one, checked."""
        return cls(
            config=BuildConfig.from_json(_without_idle_archs(content[ASKED])),
            groups=tuple(Group.from_json(group) for group in content["groups"]),
            device=content["device"],
            classes=tuple(content["classes"]),
            input_shape=tuple(content["input_shape"]),
            scaling=_scaling(content["scaling"]),
            split_sizes=content["split_sizes"],
            fingerprint=content["data_sha256"],
            versions=content["versions"],
        )


def _without_idle_archs(asked: dict[str, Any]) -> dict[str, Any]:
    """Leave out what an earlier version took and gave to no run: more architectures than runs."""
    return asked | {"archs": asked["archs"][: asked["m"]]}


def _scaling_to_json(scaling: Scaling) -> dict[str, Any]:
    content = {"offset": list(scaling.offset), "scale": list(scaling.scale)}
    usual = scaling.reading == Reading()
    return content if usual else content | {"reading": scaling.reading.to_json()}


def _scaling(content: dict[str, Any]) -> Scaling:
    reading = Reading.from_json(content["reading"]) if "reading" in content else Reading()
    return Scaling(tuple(content["offset"]), tuple(content["scale"]), reading)
