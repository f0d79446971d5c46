"""Ensembles made of a run's networks, as measuring loads them."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from ensemble.model import Ensemble
from pipelines.build.handover import ensemble_member
from pipelines.run.control_files import CONTROL
from pipelines.run.directory import RunDirectory
from pipelines.run.records import RoundRecord
from pipelines.run.resolved import ResolvedConfig
from pruning.core.errors import DamagedRunError


def plain_ensemble(team: Iterable[RoundRecord], resolved: ResolvedConfig) -> Ensemble:
    """Return these rounds as an ensemble of the run's data, voting by the mean."""
    members = tuple(ensemble_member(record) for record in team)
    return Ensemble(members, resolved.classes, resolved.input_shape, scaling=resolved.scaling)


def control_ensemble(path: Path) -> Ensemble:
    """Return the control of the run at `path` as an ensemble of one."""
    run = RunDirectory.existing(path)
    control = run.control()
    if control is None:
        raise DamagedRunError(f"{path} has no control")
    member = ensemble_member(control.record, CONTROL)
    resolved = run.resolved
    return Ensemble((member,), resolved.classes, resolved.input_shape, scaling=resolved.scaling)
