"""Unpruned networks that an earlier run has trained, for a build that would train the same ones.

Other ways to prune can then be tried without training anew what they begin with. What is taken is
what the build would have made: it is no part of the run's identity.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path

from pipelines.run.config import BuildConfig, differences
from pipelines.run.directory import RunDirectory
from pipelines.run.plan import Group
from pipelines.run.records import RoundRecord
from pipelines.run.resolved import ResolvedConfig
from pipelines.run.store import Store
from pruning.core.errors import RequestError
from pruning.dropnet.settings import DropNet


def unpruned_of(path: Path, resolved: ResolvedConfig) -> tuple[RoundRecord, ...]:
    """Return the unpruned networks of the run at `path` that a build would train alike.

    They are those of its groups that are groups of the build's, too: the same seeds by the same
    engine, on the same data by the same recipe, from the same weights. Their files are checked.

    Raises
    ------
    RequestError
        If `path` is no run, or none of its networks is one that the build would train.
    """
    earlier = RunDirectory.existing(path)
    if found := _differences(resolved, earlier.resolved):
        raise RequestError(
            f"`unpruned_from` {path}: this build trains other unpruned networks "
            f"({'; '.join(found)}); ask for the same, or leave it out"
        )
    there = {history.run: history.rounds[0] for history in earlier.histories()}
    own = set(map(_as_trained, earlier.resolved.groups))
    groups = [
        group.runs.numbers
        for group in resolved.groups
        if _as_trained(group) in own and all(run in there for run in group.runs.numbers)
    ]
    if not groups:
        raise RequestError(
            f"`unpruned_from` {path}: none of its networks is one of this build's, which train "
            f"{_how(resolved.groups[0])}, and there {_how(earlier.resolved.groups[0])}, "
            f"{len(there)} so far; ask for the same `engine` and `m`, or leave it out"
        )
    records = tuple(there[run] for numbers in groups for run in numbers)
    for record in records:
        record.check()
    return records


def take(store: Store, records: Sequence[RoundRecord]) -> list[int]:
    """Keep unpruned networks as round 0 of runs that have not begun; return which."""
    if not records:
        return []
    begun = {history.run for history in store.histories()}
    taken = [record for record in records if record.run not in begun]
    for record in taken:
        store.keep_round(record.load(), None)
    return [record.run for record in taken]


def _how(group: Group) -> str:
    return f"by {group.engine!r} in groups of {len(group.runs.numbers)}"


def _as_trained(group: Group) -> Group:
    return dataclasses.replace(group, flops=None)


def _differences(asked: ResolvedConfig, there: ResolvedConfig) -> list[str]:
    """Return what differs of all that unpruned networks depend on."""
    found = differences(_of_round_0(asked.config), _of_round_0(there.config))
    if asked.device != there.device:
        found.append(f"`device`: {asked.device} asked, {there.device} there")
    if asked.fingerprint != there.fingerprint:
        found.append("the data differ, or their parts")
    elif asked.scaling != there.scaling:
        found.append("the data are normalised in another way")
    by_sgd = [any(group.normed_by_sgd for group in one.groups) for one in (asked, there)]
    if not found and by_sgd == [True, False]:
        found.append("the default `optimizer`: sgd now, adamw there, of an earlier version")
    return found


def _of_round_0(config: BuildConfig) -> BuildConfig:
    """Return what is asked of unpruned networks, all else as usual."""
    dropnet = DropNet(init=config.dropnet.init, recipe=config.dropnet.starting_recipe)
    m = max(BuildConfig.m, len(config.archs))
    return BuildConfig(m=m, archs=config.archs, dropnet=dropnet, seed=config.seed)
