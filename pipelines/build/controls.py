"""Which controls a build was asked for, and their place in a store."""

from __future__ import annotations

import math

from pipelines.build.built import Built
from pipelines.build.checkpoints import GroupCheckpoints
from pipelines.build.control_training import control_runs, train_control
from pipelines.build.progress import Tell
from pipelines.run.control_files import CONTROL, SMALL_TEAM


def asked_controls(*, control: bool, small_team: bool) -> tuple[str, ...]:
    """Return the names of the controls that are asked for."""
    return (CONTROL,) * control + (SMALL_TEAM,) * small_team


def keep_control(name: str, built: Built, tell: Tell, every: float = math.inf) -> None:
    """Train a control of the chosen team and keep it, unless it is there already.

    On a processor the state of its training is kept every so many seconds, between two epochs.
    """
    if name == SMALL_TEAM and len(built.team) == 1:
        tell("no small team is trained: the team is one network, and `control` its rival")
        return
    store, team, there = built.store, built.team, built.store.control(name)
    runs = control_runs(name, store.resolved.config.m, len(team))
    checkpoints = GroupCheckpoints(store, runs, {}, 0, every, team)
    if there is None or there.team != built.selection.team:
        store.keep_control(
            train_control(
                name, team, store.resolved, built.splits, tell, built.device,
                checkpoints=checkpoints if built.device == "cpu" else None,
            )
        )  # fmt: skip
    else:
        for record in there.records:
            record.check()
    checkpoints.ended()  # of an earlier command's training, too, that was stopped after its end
