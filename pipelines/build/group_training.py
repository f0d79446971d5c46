"""Training one group of runs, from where it was stopped.

Each finished round is kept where it was trained, and of a long one what it has come to between
two epochs, so that a stopped build loses half a minute or an epoch; each is told to whoever
watches, and what it took goes into the run's log.
"""

from __future__ import annotations

import contextlib
import dataclasses
import math
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from pipelines.build.checkpoints import GroupCheckpoints
from pipelines.build.events import Tell
from pipelines.build.progress import EpochDone, Halved, RoundDone, Slower
from pipelines.build.round_times import RoundClock, RoundTimes
from pipelines.run.config import BuildConfig
from pipelines.run.plan import Group
from pipelines.run.records import RoundRecord, RunHistory
from pipelines.run.resolved import ResolvedConfig
from pipelines.run.store import Store
from pruning.core.threads import threads
from pruning.data.splits import Splits
from pruning.datafree.members import datafree
from pruning.dropnet import dropnet
from pruning.dropnet.member import Member
from pruning.training.checkpoint import Checkpoints
from pruning.training.engines.lane import EngineWarning

Notice = Halved | Slower
"""What is unusual, and stands in the log, too."""


def train_group(
    store: Store,
    group: Group,
    earlier: Sequence[RunHistory],
    splits: Splits,
    tell: Tell,
    device: str = "cpu",
    until: float = math.inf,
    unpruned: Sequence[RoundRecord] = (),
    checkpoint_every: float = math.inf,
) -> tuple[RunHistory, ...]:
    """Train one group to its end, or to the first round that ends after `until` (`time.time`).

    With a teacher that is an ensemble, `unpruned` are its members. On a processor, a round's
    state is kept every so many seconds, between two epochs.
    """
    histories = {history.run: history for history in earlier}
    shared = shared_round(earlier, group, store.resolved)
    if shared and time.time() >= until:
        return tuple(histories.values())
    first = shared[0].round + 1 if shared else 0
    clock = RoundClock(device, len(splits.train), first)
    checkpoints = GroupCheckpoints(
        store, group.runs.numbers, histories, first, checkpoint_every, unpruned
    )

    def on_epoch(round_index: int, epoch: int, runs: list[int]) -> None:
        tell(EpochDone(round_index, epoch, len(runs), clock.epoch(runs)))

    with clock.stages("files"):
        start = [record.load() for record in shared]
        teaching = [record.load() for record in teachers(store.resolved, earlier, unpruned)]
    with threads(group.threads), warnings_noticed(clock, noted := noting(store, group, tell)):
        for members in rounds_of(
            store.resolved.config, group, start, teaching, splits, device, clock, on_epoch, noted,
            checkpoints if device == "cpu" else None,
        ):  # fmt: skip
            with clock.stages("files"):
                for member in members:
                    histories[member.run] = store.keep_round(member, histories.get(member.run))
                keep_ends(store, histories, members)
                checkpoints.round_kept()
            took = clock.taken()
            store.note("round", round_line(group, members, took))
            tell(round_done(members, took))
            if time.time() >= until:
                break
        else:
            keep_ends(store, histories)
            checkpoints.ended()
    return tuple(histories.values())


def noting(store: Store, group: Group, tell: Tell) -> Callable[[Notice], None]:
    """Return what notes in the log, and tells, something unusual in a group's training."""

    def note(notice: Notice) -> None:
        what = "halved" if isinstance(notice, Halved) else "slower"
        store.note(what, {"group": list(group.runs.numbers)} | notice.to_json())
        tell(notice)

    return note


@contextlib.contextmanager
def warnings_noticed(clock: RoundClock, notice: Callable[[Notice], None]) -> Iterator[None]:
    """Hand on what an engine warns of; other warnings go their way."""
    with warnings.catch_warnings():
        warnings.simplefilter("always", EngineWarning)
        show = warnings.showwarning

        def told(message: Warning | str, category: type[Warning], *place: Any, **more: Any) -> None:
            if not issubclass(category, EngineWarning):
                show(message, category, *place, **more)
                return
            notice(Slower(clock.round, str(message)))

        warnings.showwarning = told
        yield


def keep_ends(
    store: Store, histories: dict[int, RunHistory], trained: Sequence[Member] = ()
) -> None:
    """Keep that the runs of a group have ended that a round no longer trains.

    Of most their numbers say so, and nothing is written.
    """
    going_on = {member.run for member in trained}
    for run, history in histories.items():
        if run not in going_on and store.resolved.was_cut(history):
            histories[run] = store.keep_end(history)


def shared_round(
    histories: Sequence[RunHistory], group: Group, resolved: ResolvedConfig
) -> tuple[RoundRecord, ...]:
    """Return the round from which a group goes on: the last that all runs share which go on.

    Runs that have ended stay as they are, unless that round is before their last: it is trained
    again beside the others, as it was. Empty where a run of the group has not begun: then the
    group starts anew.
    """
    if {history.run for history in histories} != set(group.runs.numbers):
        return ()
    reached = min(
        (history.rounds[-1].round for history in histories if resolved.was_cut(history)),
        default=max(history.rounds[-1].round for history in histories),
    )
    return tuple(
        history.rounds[reached] for history in histories if history.rounds[-1].round >= reached
    )


def teachers(
    resolved: ResolvedConfig, earlier: Sequence[RunHistory], unpruned: Sequence[RoundRecord]
) -> tuple[RoundRecord, ...]:
    """Return the unpruned networks that teach a group, which are kept already."""
    teacher = resolved.config.dropnet.teaching.teacher
    if teacher == "own":
        return tuple(history.rounds[0] for history in earlier)
    return tuple(unpruned) if teacher == "ensemble" else ()


def rounds_of(
    config: BuildConfig,
    group: Group,
    start: Sequence[Member],
    teaching: Sequence[Member],
    splits: Splits,
    device: str,
    clock: RoundClock,
    on_epoch: Callable[[int, int, list[int]], None],
    notice: Callable[[Notice], None],
    checkpoints: Checkpoints | None = None,
) -> Iterator[tuple[Member, ...]]:
    """Yield the rounds of a group after those it starts from, by the pruner that was asked for."""

    def on_halved(networks: int, half: int) -> None:
        notice(Halved(clock.round, networks, half))

    merged, settings = config.pruner == "datafree", group.settings(config)
    trained = dropnet(
        group.runs, splits,
        dataclasses.replace(settings, rounds=0) if merged else settings,
        start=start, unpruned=teaching if start else (), device=device, engine=group.engine,
        on_epoch=on_epoch, on_halved=on_halved, stages=clock.stages, checkpoints=checkpoints,
    )  # fmt: skip
    if not merged:
        return trained
    weights = config.dropnet.recipe.class_weights
    return datafree(trained, splits, config.merging, start=start, class_weights=weights)


def round_line(group: Group, members: Sequence[Member], took: RoundTimes) -> dict[str, Any]:
    """Return what the log says of a round."""
    again = {str(member.run): member.attempts for member in members if member.attempts > 1}
    return {
        "group": list(group.runs.numbers),
        "round": members[0].round,
        "runs": [member.run for member in members],
        "engine": group.engine,
        **({"attempts": again} if again else {}),
    } | took.as_line()


def round_done(members: Sequence[Member], took: RoundTimes) -> RoundDone:
    """Return what is told of a round."""
    return RoundDone(
        round=members[0].round,
        runs=tuple(member.run for member in members),
        remaining=tuple(member.remaining for member in members),
        val_accuracy=tuple(member.val_accuracy for member in members),
        collapsed=tuple(member.run for member in members if member.collapsed),
        took=took,
    )
