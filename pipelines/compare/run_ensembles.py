"""Ensembles made of a run's networks, as measuring loads them."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np

from ensemble.model import Ensemble, EnsembleMember
from pipelines.run.control import CONTROL, load_control, stored_control
from pipelines.run.directory import RunDirectory
from pruning.core.errors import DamagedRunError


def ensemble_of(run: RunDirectory, members: Iterable[EnsembleMember]) -> Ensemble:
    """Return these members as an ensemble of the run's data, voting by the mean."""
    root = run.root
    classes = np.array(root.classes)
    return Ensemble(tuple(members), classes, root.input_shape, root.input_scaling)


def control_ensemble(path: Path) -> Ensemble:
    """Return the control of a run as an ensemble of one."""
    run = RunDirectory.existing(path)
    content = run.sealed(run.control_file)
    control = stored_control(run, tuple(content["team"]))
    if control is None:
        raise DamagedRunError(f"{run.control_file} is of another team")
    network = load_control(run, control).network
    return ensemble_of(run, [EnsembleMember(CONTROL, control.history.arch, network, control.cost)])
