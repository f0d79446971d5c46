"""What a build is asked to do, as one frozen value; each stage's part stands beside its stage."""

from __future__ import annotations

import dataclasses
import hashlib
import math
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, get_args

from ensemble.storage.sealed import canonical_json
from pruning.core.errors import RequestError, unknown_name
from pruning.datafree.settings import Merging
from pruning.dropnet.settings import DropNet, Rewinding
from pruning.networks.architecture import Architecture, architecture_name, resolve_factory
from pruning.training.engines.choice import check_engine
from pruning.training.recipe import Recipe
from selection.costs import KINDS, Budget
from selection.measures import MEASURES
from selection.methods.method import METHODS
from selection.voting.rule import VOTES

Pool = Literal["pruned", "unpruned", "mixed", "rounds"]
Device = Literal["auto", "cpu", "cuda"]
Pruner = Literal["dropnet", "datafree"]


@dataclass(frozen=True)
class DataConfig:
    """Which data.

    Attributes
    ----------
    data
        A known name, a folder of class folders, or an ``.npz`` file.
    data_dir
        Where a named data set's files are.
    image_size
        Side in pixels that a folder's images are brought to, or None.
    limit
        Use at most this many samples of the part that is not test, or None.
    """

    data: str = "digits"
    data_dir: str | None = None
    image_size: int | None = None
    limit: int | None = None

    def __post_init__(self) -> None:
        for name in ("image_size", "limit"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise RequestError(f"{name} {value} must be at least 1")


@dataclass(frozen=True)
class SelectionConfig:
    """Which team is chosen, and from what.

    Attributes
    ----------
    size
        S, members of the team.
    method
        Name of a selection method.
    pool
        What stands to choice: the ``pruned`` networks handed on, the ``unpruned``, both
        (``mixed``), or every round of every run (``rounds``).
    voting
        How the team votes.
    max_flops, max_bytes, max_latency
        The most the team may cost, or None; with a limit it may be smaller than S. Latency
        in milliseconds a sample, members one after another, as measured on this machine.
    prune_fraction
        β of methods that have it, in [0, 1); None is the method's own.
    measures
        Diversity measures of methods that ask any; none given is the method's own.
    thrifty
        Take the cheapest team, of any size up to S, that is as accurate beyond noise.
    """

    size: int = 5
    method: str = "soft"
    pool: Pool = "pruned"
    voting: str = "mean"
    max_flops: float | None = None
    max_bytes: float | None = None
    max_latency: float | None = None
    prune_fraction: float | None = None
    measures: tuple[str, ...] = ()
    thrifty: bool = False

    def __post_init__(self) -> None:
        if self.size < 1:
            raise RequestError(f"--s {self.size} must be at least 1")
        if self.method not in METHODS:
            raise unknown_name("selection method", self.method, METHODS)
        if self.voting not in VOTES:
            raise unknown_name("voting", self.voting, VOTES)
        if self.pool not in get_args(Pool):
            raise unknown_name("pool", self.pool, get_args(Pool))
        for kind in KINDS:
            limit = getattr(self, f"max_{kind}")
            if limit is not None and not (math.isfinite(limit) and limit > 0):
                raise RequestError(f"--max-{kind} {limit} must be a positive number")
        if self.prune_fraction is not None and not 0 <= self.prune_fraction < 1:
            raise RequestError(f"--prune-fraction {self.prune_fraction}; allowed [0, 1)")
        for name in self.measures:
            if name not in MEASURES:
                raise unknown_name("diversity measure", name, MEASURES)
        if ":" not in self.method:
            self._check_options()

    def check_own(self) -> None:
        """Look up what is the user's own, whose code then runs; a stored value is read without.

        Raises
        ------
        RequestError
            If it cannot be imported, or is not what it should be.
        """
        for name in self.measures:
            MEASURES[name]
        self._check_options()

    def _check_options(self) -> None:
        chosen = METHODS[self.method]
        if not isinstance(chosen, type):
            raise RequestError(f"selection method {self.method!r} is no class but one's instance")
        for name in self.method_options:
            if name not in chosen.__dataclass_fields__:
                having = [m for m in METHODS if name in METHODS[m].__dataclass_fields__]
                raise RequestError(
                    f"method {self.method!r} has no {name.replace('_', ' ')}; "
                    f"the methods that have one: {', '.join(having)}"
                )

    @property
    def method_options(self) -> dict[str, Any]:
        """The settings given to the method."""
        given = {
            "prune_fraction": self.prune_fraction,
            "measures": self.measures,
            "thrifty": self.thrifty or None,
        }
        return {name: value for name, value in given.items() if value not in (None, ())}

    @property
    def budget(self) -> Budget:
        """The most the team may cost; latency in seconds."""
        latency = None if self.max_latency is None else self.max_latency / 1000
        return Budget(flops=self.max_flops, bytes=self.max_bytes, latency=latency)


@dataclass(frozen=True)
class BuildConfig:
    """A build's identity: two builds with equal configurations give the same files.

    Attributes
    ----------
    m
        M, number of DropNet runs; run i has seed ``seed + i`` and the
        (i mod number)-th architecture.
    archs
        Architectures: names, or, where nothing is written, networks or functions that make one.
    seed
        Of the split and the first run.
    device
        Where networks are trained; ``auto`` takes CUDA where there is one.
    engine
        How they are trained (`pruning.training.engines.engine.ENGINES`); what ``auto`` came to
        stands with each group.
    pruner
        ``dropnet`` trains, drops and rewinds round by round; ``datafree`` trains once and
        merges neurons without data. The latter's round 0 trains by `dropnet`'s recipe and
        initial weights, and its κ says when the merged network is handed on.
    data, dropnet, merging, selection
        The stages' parts.
    """

    m: int = 20
    archs: tuple[Architecture, ...] = ("mlp-a",)
    seed: int = 0
    device: Device = "auto"
    engine: str = "auto"
    pruner: Pruner = "dropnet"
    data: DataConfig = field(default_factory=DataConfig)
    dropnet: DropNet = field(default_factory=DropNet)
    merging: Merging = field(default_factory=Merging)
    selection: SelectionConfig = field(default_factory=SelectionConfig)

    def __post_init__(self) -> None:
        if self.m < 1:
            raise RequestError(f"--m {self.m} must be at least 1")
        if self.seed < 0:
            raise RequestError(f"--seed {self.seed} must be 0 or more")
        check_engine(self.engine)
        if not self.archs:
            raise RequestError("no architecture given; name at least one with --arch")
        for arch in self.archs:
            resolve_factory(arch) if isinstance(arch, str) else architecture_name(arch)
        self._check_pruner()
        if self.selection.pool in ("pruned", "unpruned") and self.selection.size > self.m:
            raise RequestError(
                f"--s {self.selection.size} is more than the {self.m} networks of --m {self.m}; "
                f"allowed 1 to {self.m}"
            )

    def _check_pruner(self) -> None:
        """Refuse an unknown pruner, and settings that the chosen one would ignore."""
        if self.pruner not in get_args(Pruner):
            raise unknown_name("pruner", self.pruner, get_args(Pruner))
        if self.pruner == "dropnet":
            ignored = ["remove, saliency"] if self.merging != Merging() else []
        else:
            usual = DropNet(
                kappa=self.dropnet.kappa, init=self.dropnet.init, recipe=self.dropnet.recipe
            )
            ignored = [
                "rewind" if name == "rewinding" else name
                for name, value in vars(usual).items()
                if getattr(self.dropnet, name) != value
            ]
        if ignored:
            other = "datafree" if self.pruner == "dropnet" else "dropnet"
            raise RequestError(
                f"pruner {self.pruner!r} does not use {', '.join(ignored)}; "
                f"leave it out, or give --pruner {other}"
            )

    def to_json(self) -> dict[str, Any]:
        """Return the configuration as plain JSON values."""
        parts = ("data", "dropnet", "merging", "selection")
        plain = {name: value for name, value in vars(self).items() if name not in parts}
        return (
            plain
            | {"archs": list(self.arch_names)}
            | {name: dataclasses.asdict(getattr(self, name)) for name in parts}
        )

    @property
    def arch_names(self) -> tuple[str, ...]:
        """What the architectures are called in records and messages."""
        return tuple(architecture_name(arch) for arch in self.archs)

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> BuildConfig:
        """Return the configuration that `to_json` wrote."""
        dropnet = dict(stored["dropnet"])
        recipe = Recipe(**{"attempts": 1} | dropnet.pop("recipe"))
        rewinding = Rewinding(**{"rescale": False} | dropnet.pop("rewinding"))
        merging = dict(stored.get("merging", {}))
        counts = tuple((layer, count) for layer, count in merging.pop("counts", ()))
        return cls(
            m=stored["m"],
            archs=tuple(stored["archs"]),
            seed=stored["seed"],
            device=stored["device"],
            engine=stored.get("engine", "auto"),
            pruner=stored.get("pruner", "dropnet"),
            data=DataConfig(**stored["data"]),
            dropnet=DropNet(**dropnet, rewinding=rewinding, recipe=recipe),
            merging=Merging(**merging, counts=counts),
            selection=SelectionConfig(
                **stored["selection"] | {"measures": tuple(stored["selection"].get("measures", ()))}
            ),
        )

    @property
    def default_out(self) -> Path:
        """``results/<data>-<arch>-m20-s5-<hash of the configuration>``.

        >>> BuildConfig().default_out.name.rpartition("-")[0]
        'digits-mlp-a-m20-s5'
        """
        digest = hashlib.sha256(canonical_json(self.to_json())).hexdigest()[:8]
        sizes = (f"m{self.m}", f"s{self.selection.size}")
        parts = (Path(self.data.data).stem, *self.arch_names, *sizes)
        name = "-".join(re.sub(r"[^A-Za-z0-9.-]+", "-", part).strip("-.") for part in parts)
        return Path("results") / f"{name}-{digest}"


def differences(asked: dict[str, Any], stored: dict[str, Any], prefix: str = "") -> list[str]:
    """Return what differs between two configurations, one text a setting.

    >>> differences({"m": 20, "data": {"limit": 5}}, {"m": 10, "data": {"limit": 5}})
    ['m: 20 asked, 10 there']
    """
    found: list[str] = []
    for key in asked.keys() | stored.keys():
        new, old = asked.get(key), stored.get(key)
        if isinstance(new, dict) and isinstance(old, dict):
            found += differences(new, old, f"{prefix}{key}.")
        elif new != old:
            found.append(f"{prefix}{key}: {new} asked, {old} there")
    return sorted(found)
