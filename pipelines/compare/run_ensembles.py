"""Ensembles made of a run's networks, as measuring loads them."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from ensemble.model import Ensemble
from pipelines.build.handover import ensemble_member
from pipelines.run.directory import RunDirectory
from pipelines.run.records import RoundRecord
from pipelines.run.resolved import ResolvedConfig
from pruning.core.errors import DamagedRunError


def plain_ensemble(team: Iterable[RoundRecord], resolved: ResolvedConfig) -> Ensemble:
    """Return these rounds as an ensemble of the run's data, voting by the mean."""
    members = tuple(ensemble_member(record) for record in team)
    return Ensemble(members, resolved.classes, resolved.input_shape, scaling=resolved.scaling)


def control_ensemble(name: str, path: Path) -> Ensemble:
    """Return a control of the run at `path` as an ensemble, voting by the mean."""
    run = RunDirectory.existing(path)
    control = run.control(name)
    if control is None:
        raise DamagedRunError(f"{path} has no {name}")
    members = tuple(map(ensemble_member, control.records, control.network_names))
    resolved = run.resolved
    return Ensemble(members, resolved.classes, resolved.input_shape, scaling=resolved.scaling)
