"""What a build is asked to do, as one frozen value; each stage's part stands beside its stage."""

from __future__ import annotations

import dataclasses
import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from ensemble.storage.sealed import canonical_json
from pipelines.run.device_names import asked_device
from pipelines.run.selection_config import SelectionConfig
from pruning.core.errors import RequestError
from pruning.core.option_checks import check_options
from pruning.core.options import RegistryNames, group, option
from pruning.core.registry import names_in
from pruning.core.settings_json import from_json, to_json
from pruning.core.settings_tree import Setting, asked, made, settings_of
from pruning.data.data_config import DataConfig
from pruning.datafree.settings import Merging
from pruning.dropnet.settings import DropNet
from pruning.training.recipe import Recipe

__all__ = ["BuildConfig", "DataConfig", "SelectionConfig", "differences"]

Pruner = Literal["dropnet", "datafree"]

FORMER_SCHEDULES = {"by-epoch": "cosine"}
"""Today's word for a schedule, and the first version's."""


@dataclass(frozen=True)
class BuildConfig:
    """A build's identity: two builds with equal configurations give the same files.

    Run i of `m` has seed ``seed + i`` and the (i mod number)-th architecture. What engine
    ``auto`` came to stands with each group of runs. With the pruner ``datafree``, round 0 trains
    by the recipe and the initial weights of `dropnet`, whose κ says when the merged network is
    handed on. Where nothing is written, an architecture may be a network or a function that
    makes one.

    >>> BuildConfig.of(m=4, s=2, arch="mlp-a:60-60", rewind="initial").dropnet.rewinding.to
    'initial'
    """

    m: int = option(20, "M, networks to train and prune.", least=1, most=100_000, section="What")
    data: DataConfig = group(DataConfig, section="Data")
    archs: tuple[str | Callable[..., Any], ...] = option(
        ("mlp-a",),
        "Architecture: a known one, with widths if you like (mlp-a:60-60), torchvision:NAME, or "
        "your own module:factory; repeat for a mixed pool.",
        names=RegistryNames("pruning.networks.architecture:NETWORKS"), open=True, flag="arch",
        kind="architecture", section="Networks and their training",
    )  # fmt: skip
    pruner: Pruner = option(
        "dropnet",
        "dropnet trains, drops and rewinds round by round; datafree trains once and merges "
        "similar neurons without data.",
        section="Pruning",
    )
    merging: Merging = group(Merging, section="Pruning")
    dropnet: DropNet = group(DropNet, section="Pruning")
    target_s: int | None = option(
        None,
        "S of the team that a target speaks of, where the team that is chosen is another.",
        least=1, unset="s", section="Pruning", before=None,
    )  # fmt: skip
    selection: SelectionConfig = group(SelectionConfig, section="Choice of the team")
    seed: int = option(
        0, "Seed of the split and of the first run.", least=0, most=2**63 - 1, section="What"
    )
    device: str = option(
        "auto",
        "Where networks are trained: cpu, cuda (every card, each with groups of its own), cuda:1 "
        "(one card), cuda:0,2 (some); auto takes every card but for tiny work. A run that has "
        "begun on cuda goes on on any cards.",
        metavar="DEVICE", section="Where it runs",
    )  # fmt: skip
    engine: str = option(
        "auto", "How networks are trained; auto takes what is best here.",
        names=RegistryNames("pruning.training.engines.engine:ENGINES", ("auto",)),
        section="Where it runs",
    )  # fmt: skip

    def __post_init__(self) -> None:
        check_options(self)
        asked_device(self.device)
        if not self.archs:
            raise RequestError("`archs` names no architecture; give at least one")
        if len(self.archs) > self.m:
            raise RequestError(
                f"`archs` names {len(self.archs)} architectures, more than the networks of `m` "
                f"{self.m}; raise `m`, or leave out {' and '.join(self.arch_names[self.m :])}"
            )
        for arch in self.archs:
            _check_arch(arch)
        self._check_pruner()
        self._check_size()
        if self.target_s is not None and not self.dropnet.target.given:
            raise RequestError(
                f"`target_s` {self.target_s} is the size of the team that a target speaks of, and "
                "there is none; leave it out, or ask for `target_flops`, `target_bytes` or "
                "`target_latency`"
            )

    def _check_pruner(self) -> None:
        """Refuse settings that the pruner would ignore."""
        if self.pruner == "dropnet":
            ignored, other = asked(self.merging), "datafree"
        else:
            unread = dataclasses.replace(
                self.dropnet, kappa=DropNet.kappa, init=DropNet.init, recipe=Recipe()
            )
            ignored, other = asked(unread), "dropnet"
        if ignored:
            names = ", ".join(f"`{name}`" for name in ignored)
            raise RequestError(
                f"`pruner` {self.pruner!r} does not use {names}; leave it out, or ask for "
                f"`pruner` {other!r}"
            )

    def _check_size(self) -> None:
        """Refuse a team of more networks than its pool can have; of rounds nobody knows yet."""
        size, pool = self.selection.size, self.selection.pool
        most = {"mixed": 2 * self.m, "rounds": size}.get(pool, self.m)
        if size > most:
            of = f"`pool` 'mixed' with `m` {self.m}" if pool == "mixed" else f"`m` {self.m}"
            raise RequestError(
                f"`size` {size} is more than the {most} networks of {of}; allowed 1 to {most}"
            )

    @property
    def of_each_run(self) -> DropNet:
        """What each run is given: its part of a target that speaks of the team."""
        target = self.dropnet.target.of_member(self.m, self.pruned_for)
        return dataclasses.replace(self.dropnet, target=target)

    @property
    def pruned_for(self) -> int:
        """S of the team that a target speaks of."""
        return self.target_s or self.selection.size

    def choosing(self, selection: SelectionConfig) -> BuildConfig:
        """Return the configuration of the same networks with another choice.

        A target speaks of the team that it was asked of, whatever the new one's size.

        >>> asked = BuildConfig.of(s=5, target_flops=0.05)
        >>> asked.choosing(SelectionConfig(size=7)).of_each_run == asked.of_each_run
        True
        """
        other = self.dropnet.target.given and self.pruned_for != selection.size
        target_s = self.pruned_for if other else None
        return dataclasses.replace(self, selection=selection, target_s=target_s)

    @classmethod
    def of(cls, **options: Any) -> BuildConfig:
        """Return the configuration that flat options ask for, by their names in `options`.

        Raises
        ------
        RequestError
            For an option that does not exist, or a value that is not allowed.
        """
        return made(cls, options)

    def to_json(self) -> dict[str, Any]:
        """Return the configuration as plain JSON values."""
        return self._content()

    def _content(self, *, formerly: bool = False) -> dict[str, Any]:
        """Architectures by name; of the device its kind, for which card computes is placement."""
        kind = asked_device(self.device).kind
        content = to_json(self, formerly=formerly)
        return content | {"archs": list(self.arch_names), "device": kind}

    @property
    def arch_names(self) -> tuple[str, ...]:
        """What the architectures are called in records and messages."""
        return tuple(map(_arch_name, self.archs))

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> BuildConfig:
        """Return the configuration that `to_json` wrote, in this version or the first.

        Raises
        ------
        RequestError
            For a field that does not exist, or a value that is not allowed.
        """
        dropnet = stored.get("dropnet")
        if isinstance(dropnet, Mapping) and "target" not in dropnet and _is_whole(dropnet):
            stored = {**stored, "dropnet": {**dropnet, **_of_the_first_version(dropnet)}}
        return from_json(cls, stored)

    @property
    def sha256(self) -> str:
        """What names the configuration; in the first version's words, so that runs go on."""
        content = self._content(formerly=True)
        recipe = content["dropnet"]["recipe"]
        recipe["schedule"] = FORMER_SCHEDULES.get(recipe["schedule"], recipe["schedule"])
        return hashlib.sha256(canonical_json(content)).hexdigest()

    @property
    def default_out(self) -> Path:
        """``results/<data>-<arch>-m20-s5-<hash of the configuration>``.

        >>> BuildConfig().default_out.name.rpartition("-")[0]
        'digits-mlp-a-m20-s5'
        """
        sizes = (f"m{self.m}", f"s{self.selection.size}")
        parts = (Path(self.data.data).stem, *self.arch_names, *sizes)
        name = "-".join(re.sub(r"[^A-Za-z0-9.-]+", "-", part).strip("-.") for part in parts)
        return Path("results") / f"{name}-{self.sha256[:8]}"


def _is_whole(dropnet: Mapping[str, Any]) -> bool:
    """Whether a version wrote it; a person may have left out what is to have its default."""
    return "schedule" in dropnet.get("recipe", ()) and "to" in dropnet.get("rewinding", ())


def _of_the_first_version(dropnet: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is read otherwise in a file of the first version.

    It took late epochs without late rewinding, and ignored them; its cosine fell by epochs.
    """
    recipe, rewinding = dropnet["recipe"], dropnet["rewinding"]
    today = {former: word for word, former in FORMER_SCHEDULES.items()}
    schedule = today.get(recipe["schedule"], recipe["schedule"])
    late = rewinding["late_epochs"] if rewinding["to"] == "late" else None
    return {
        "recipe": {**recipe, "schedule": schedule},
        "rewinding": {**rewinding, "late_epochs": late},
    }


def _check_arch(arch: str | Callable[..., Any]) -> None:
    """Refuse an architecture that does not exist; torch is loaded unless the name is known."""
    if isinstance(arch, str) and arch not in names_in("pruning.networks"):
        from pruning.networks.architecture import resolve_factory

        resolve_factory(arch)


def _arch_name(arch: str | Callable[..., Any]) -> str:
    if isinstance(arch, str):
        return arch
    from pruning.networks.architecture import architecture_name

    return architecture_name(arch)


def differences(asked_for: BuildConfig, stored: BuildConfig) -> list[str]:
    """Return what differs between two configurations, one text per setting.

    Of what a preset brings along, only what was asked beside it is told.

    >>> differences(BuildConfig(m=20), BuildConfig(m=10))
    ['`m`: 20 asked, 10 there']
    >>> differences(BuildConfig.of(recipe="paper", epochs=9), BuildConfig())
    ['`epochs`: 9 asked, the default there', '`recipe`: paper asked, default there']
    """
    offered = {setting.path: setting for setting in settings_of(BuildConfig)}
    new, old = _leaves(asked_for.to_json()), _leaves(stored.to_json())
    given, given_there = asked(asked_for), asked(stored)
    found, brought = [], []
    for path, setting in offered.items():
        if setting.preset is not True:
            continue
        names = [each.get(setting.name, setting.usual) for each in (given, given_there)]
        if names[0] != names[1]:
            found.append(f"`{setting.name}`: {names[0]} asked, {names[1]} there")
            brought.append(path)
    for path in new:
        one = offered.get(path)
        told = one and one.name in given.keys() | given_there.keys()
        if new[path] == old[path] or (not told and any(_is_below(path, top) for top in brought)):
            continue
        name = f"`{one.name}`" if one else ".".join(path)
        here, there = (_shown(each[path], one) for each in (new, old))
        found.append(f"{name}: {here} asked, {there} there")
    return sorted(found)


def _is_below(path: tuple[str, ...], top: tuple[str, ...]) -> bool:
    return path[: len(top)] == top


def _shown(value: object, setting: Setting | None) -> str:
    """Return a value as it is spelt; for what nobody gave, what that comes to."""
    if value in (None, [], ()):
        return "the default" if setting and setting.option.unset else "none"
    return " ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def _leaves(content: Mapping[str, Any], path: tuple[str, ...] = ()) -> dict[tuple[str, ...], Any]:
    found: dict[tuple[str, ...], Any] = {}
    for key, value in content.items():
        inner = isinstance(value, Mapping)
        found |= _leaves(value, (*path, key)) if inner else {(*path, key): value}
    return found
