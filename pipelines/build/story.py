"""The story: data → M pruned networks → the S that vote best → one artefact."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from pathlib import Path

from pipelines.build.built import Built, team_of
from pipelines.build.calling import CallingWatcher, OnEvent
from pipelines.build.choosing_team import check_size, choose_team, pool_costs
from pipelines.build.clusters.cluster import check_installed
from pipelines.build.controls import asked_controls, keep_control
from pipelines.build.device import Devices
from pipelines.build.handover import is_of, make_ensemble
from pipelines.build.logged import logged
from pipelines.build.placement import ONE_AT_A_TIME, train_groups
from pipelines.build.predicting import pool_rounds, predicted
from pipelines.build.preparing import Prepared, prepare
from pipelines.build.profiling import check_place, profile_group
from pipelines.build.progress import Tally, Tell
from pipelines.build.unpruned import take
from pipelines.build.watching import Watcher
from pipelines.run.config import BuildConfig
from pipelines.run.one_writer import one_writer
from pipelines.run.opening import begun, writing_run
from pipelines.run.records import RoundRecord, RunHistory
from pipelines.run.resolved import ResolvedConfig
from pipelines.run.resources import Placement
from pipelines.run.store import Memory, Store, is_done
from pruning.core.stages import Stages
from pruning.data.splits import Splits

Watch = Callable[[Tally], Watcher]


def build(
    config: BuildConfig,
    splits: Splits | None = None,
    out: Path | None = None,
    *,
    placement: Placement = ONE_AT_A_TIME,
    watch: Watch = Watcher,
    on_event: OnEvent | None = None,
    control: bool = False,
    small_team: bool = False,
    unpruned_from: Path | None = None,
    tell: Tell = lambda _: None,
) -> Built:
    """Train, prune, choose and hand over; a build that was stopped goes on.

    Parameters
    ----------
    config
        What is asked.
    splits
        The data; None reads those that `config` names.
    out
        The run directory; None writes nothing and keeps all in memory.
    placement
        How many groups at a time, by which joblib backend; where a profile goes.
    watch
        Makes the watcher that shows the training's progress.
    on_event
        Called with each event of the training (`pipelines.build.progress`), from the thread
        that shows it. One that raises is named and not called again.
    control
        Train, after the choice, one unpruned network as costly as the chosen team. It is no
        part of the run's identity: a finished run gets its control later, too.
    small_team
        Likewise as many small unpruned networks as the team has, together as costly.
    unpruned_from
        A run whose unpruned networks are taken in place of training the same ones, as far as
        this build would train them (`pipelines.build.unpruned`). The files are the same.
    tell
        Told in a line each: what could not be read, which split is small, how the runs
        train, what is in a profile, when a control begins.

    Raises
    ------
    RequestError
        If the data cannot be used, a profile cannot be written, `out` holds another
        configuration's run or is being written to, a network of the user's cannot be taken
        (`pipelines.build.rehearsal`), or no network of `unpruned_from` is one that would be
        trained: nothing is trained or written.

    Examples
    --------
    >>> import numpy as np
    >>> from pipelines import BuildConfig, SelectionConfig
    >>> from pipelines.build import build
    >>> from pruning import DropNet, Recipe, Splits
    >>> rng = np.random.default_rng(0)
    >>> y = rng.integers(0, 2, 300)
    >>> splits = Splits.from_arrays(rng.normal(size=(300, 5)) + y[:, None], y)
    >>> dropnet = DropNet(rounds=1, kappa=0.0, recipe=Recipe(max_epochs=3))
    >>> config = BuildConfig(
    ...     m=3, archs=("mlp-a:8-6",), dropnet=dropnet, selection=SelectionConfig(size=2)
    ... )
    >>> built = build(config, splits)
    >>> [record.id for record in built.handed_on], len(built.selection.team)
    (['00-r1', '01-r1', '02-r1'], 2)
    >>> built.ensemble.predict_proba(splits.test.images).shape == (splits.sizes["test"], 2)
    True
    """
    stages = Stages()
    if placement.profile:
        check_place(Path(placement.profile))
    check_installed(placement)

    held = ExitStack()

    def opened(resolved: ResolvedConfig) -> Store:
        return Memory(resolved) if out is None else held.enter_context(writing_run(out, resolved))

    def watched(tally: Tally) -> Watcher:
        return CallingWatcher(watch(tally), on_event) if on_event else watch(tally)

    begins = out is None or not begun(out)
    controls = asked_controls(control=control, small_team=small_team)
    with held:
        if out is not None and not begins:  # told before the data are read
            held.enter_context(one_writer(out))
        ready = prepare(
            config, splits, opened,
            begins=begins, controls=controls, unpruned_from=unpruned_from, tell=tell, stages=stages,
        )  # fmt: skip
        return _built(
            ready, placement, watched, begins=begins, controls=controls, tell=tell, stages=stages
        )


def _built(
    ready: Prepared,
    placement: Placement,
    watch: Watch,
    *,
    begins: bool,
    controls: Sequence[str],
    tell: Tell,
    stages: Stages,
) -> Built:
    """Train, choose and hand over what is prepared."""
    store, splits, devices = ready.store, ready.splits, ready.devices
    trace = placement.profile and Path(placement.profile)
    if taken := take(store, ready.unpruned):
        tell(f"{len(taken)} of {store.resolved.config.m} unpruned networks taken, not trained")
    earlier, there = store.finished, store.histories()
    if not begins:
        tell_going_on(store, there, tell)
    with logged(store, there, placement, devices, stages) as seconds:
        if trace:
            with stages("profile"):
                group = store.resolved.groups[0]
                tell(profile_group(trace, group, store.resolved, splits, devices.first))
        histories = train(store, splits, placement, watch, devices, earlier=there, stages=stages)
        nothing_new = earlier and come_to(there) == come_to(histories)
        where = (store, splits, histories, devices.first, stages)
        built = (chosen_before(*where) if nothing_new else None) or choose(*where)
        for name in controls:
            with stages(name):
                keep_control(name, built, tell, placement.checkpoint_every)
    return dataclasses.replace(built, skipped=ready.skipped, earlier=nothing_new, seconds=seconds)


def tell_going_on(store: Store, there: Sequence[RunHistory], tell: Tell) -> None:
    """Say that a build goes on, if it was stopped."""
    if is_done(store, there):
        return
    trained = sum(len(rounds) for rounds, _ in come_to(there))
    told = f", with {trained} trained network{'s' * (trained > 1)}" if trained else ""
    tell(f"goes on where it stopped{told}")


def come_to(histories: Iterable[RunHistory]) -> list[tuple[list[str], bool]]:
    """Return of each run the names of its rounds, and whether it is known to have ended."""
    return [([record.id for record in history.rounds], history.ended) for history in histories]


def train(
    store: Store,
    splits: Splits,
    placement: Placement = ONE_AT_A_TIME,
    watch: Watch = Watcher,
    devices: Devices | None = None,
    *,
    earlier: Sequence[RunHistory] | None = None,
    stages: Stages | None = None,
) -> tuple[RunHistory, ...]:
    """Train every group, watched, from where an earlier command stopped.

    `earlier` is what the store holds of it, which is read if it is not given.
    """
    stages = stages or Stages()
    histories = store.histories() if earlier is None else earlier
    tally, until = Tally.of(store.resolved), placement.until(time.time())
    for history in histories:
        tally.restored(history.run, history.rounds[-1].round, history.rounds[0].val_accuracy)
    with stages("waiting"), watch(tally) as watcher:
        trained = train_groups(store, histories, splits, placement, watcher, devices, until)
    stages.shared_out("waiting", tally.seconds, tally.at_a_time)
    return trained


def chosen_before(
    store: Store,
    splits: Splits,
    histories: Sequence[RunHistory],
    device: str = "cpu",
    stages: Stages | None = None,
) -> Built | None:
    """Return what an earlier command chose of these very rounds; None where that does not stand.

    A choice by latency would be another each time, and the ensemble may have got a cascade of
    another loss since.

    Raises
    ------
    DamagedRunError
        If a network of the team is not what was kept.
    """
    stages = stages or Stages()
    with stages("predictions"):
        predictions = predicted(store, stood(store, histories), "select", splits, device)
    with stages("files"):
        found = store.chosen()
        if found is None or not is_of(found[1], found[0]):
            return None
        for record in team_of(histories, found[0]):
            record.check()
    return Built(store, splits, tuple(histories), predictions, found[0], device=device)


def stood(store: Store, histories: Sequence[RunHistory]) -> tuple[RoundRecord, ...]:
    """Return the rounds that stand to choice, with the unpruned and the handed-on ones."""
    kappa, asked = store.resolved.kappa, store.resolved.config.selection
    return (*pool_rounds(histories, asked.pool, kappa), *pool_rounds(histories, "mixed", kappa))


def choose(
    store: Store,
    splits: Splits,
    histories: Sequence[RunHistory],
    device: str = "cpu",
    stages: Stages | None = None,
) -> Built:
    """Predict, choose the team on the ``select`` split, and hand it over; keep all three.

    The unpruned and the handed-on networks are predicted too: the comparison wants them.
    """
    stages = stages or Stages()
    resolved, asked = store.resolved, store.resolved.config.selection
    pool = pool_rounds(histories, asked.pool, resolved.kappa)
    check_size(asked, pool)
    with stages("predictions"):
        predictions = predicted(store, stood(store, histories), "select", splits, device)
    with stages("selection"):
        costs = pool_costs(pool, timed_on=splits.input_shape if asked.max_latency else None)
        standing = predictions.rows(tuple(record.id for record in pool))
        selection = choose_team(standing, costs, asked, resolved.config.seed)
    with stages("files"):
        store.keep_selection(selection)
    with stages("selection"):
        model = make_ensemble(team_of(histories, selection), selection, predictions, resolved)
    with stages("files"):
        store.keep_ensemble(model)
    return Built(store, splits, tuple(histories), predictions, selection, device=device)
