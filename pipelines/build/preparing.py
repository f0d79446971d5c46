"""What comes before training: the data, what is settled, a rehearsal of the user's own networks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from pipelines.build.data import (
    as_weights_expect,
    flat_images,
    hand_over,
    load_data,
    scaled_as,
    small_parts,
    uneven_classes,
)
from pipelines.build.device import Devices, devices_for
from pipelines.build.progress import Tell
from pipelines.build.rehearsal import rehearse_all
from pipelines.build.resolving import devices_of, resolve, timed, training_plan
from pipelines.build.starting import starting_lines
from pipelines.build.unpruned import unpruned_of
from pipelines.run.config import BuildConfig
from pipelines.run.plan import unnamed_optimizer
from pipelines.run.records import RoundRecord
from pipelines.run.resolved import ResolvedConfig
from pipelines.run.store import Store
from pruning.core.stages import Stages
from pruning.data.splits import Splits

MOST_TOLD = 10
"""Files that could not be read, one line each; the rest are counted."""


@dataclass(frozen=True, eq=False)
class Prepared:
    """A build that is about to train.

    Attributes
    ----------
    store
        Where it keeps what it makes; it holds what an earlier command trained.
    splits
        The data, as the run's networks see them.
    devices
        What computes.
    skipped
        Files that could not be read, a line for each or for many alike.
    unpruned
        Round 0 of runs whose networks an earlier run has trained.
    """

    store: Store
    splits: Splits
    devices: Devices
    skipped: tuple[str, ...]
    unpruned: tuple[RoundRecord, ...] = ()


def prepare(
    config: BuildConfig,
    splits: Splits | None,
    opened: Callable[[ResolvedConfig], Store],
    *,
    begins: bool,
    controls: Sequence[str],
    unpruned_from: Path | None = None,
    tell: Tell,
    stages: Stages,
) -> Prepared:
    """Read the data, settle what results depend on, rehearse, and open the store.

    Parameters
    ----------
    config, splits, unpruned_from, tell
        As `pipelines.build.story.build` takes them.
    controls
        Those of `CONTROLS` that are asked for.
    opened
        Makes or opens the store.
    begins
        Whether nothing has been trained: the user's own networks are then rehearsed, and a latency
        that is asked for is measured.
    stages
        Counts the seconds.

    Raises
    ------
    RequestError
        If data, networks or place cannot be used.
    """
    with stages("data"):
        given = load_data(config) if splits is None else hand_over(config, splits)
        data = as_weights_expect(given)
    for line in (*_left_out(data.skipped), *data.splits.notes, *data.splits.repeated):
        tell(line)
    with stages("checks"):
        resolved = resolve(data.config, data.splits, control=bool(controls))
        resolved = timed(resolved) if begins else resolved
        unpruned = unpruned_of(unpruned_from, resolved) if unpruned_from and begins else ()
        devices = devices_for(data.config.device, resolved.device)
        for rehearsal in rehearse_all(resolved, data.splits, devices.first) if begins else ():
            for line in rehearsal.lines:
                tell(line)
    store = opened(resolved)
    if store.unchecked:
        tell(store.unchecked)
    if unpruned_from and not begins and len(store.histories()) < data.config.m:
        unpruned = unpruned_of(unpruned_from, store.resolved)
    devices = devices_of(data.config, store)
    splits = scaled_as(store.resolved, data.splits)
    weights = data.config.dropnet.recipe.class_weights
    for line in (
        *flat_images(data.config.archs, splits.input_shape),
        *small_parts(splits),
        *uneven_classes(splits, weights),
        *starting_lines(store.resolved),
        *unnamed_optimizer(store.resolved.config, store.resolved.groups),
        *training_plan(data.config, store, devices),
    ):
        tell(line)
    return Prepared(store, splits, devices, data.skipped, unpruned)


def _left_out(skipped: Sequence[str]) -> list[str]:
    lines = [f"left out: {line}" for line in skipped[:MOST_TOLD]]
    if len(skipped) > MOST_TOLD:
        lines.append(f"left out: {len(skipped) - MOST_TOLD} more, for reasons of their own")
    return lines
