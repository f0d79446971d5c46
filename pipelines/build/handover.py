"""The last step of a build: the chosen members become the ensemble."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ensemble.calibration import fit_temperature
from ensemble.cascade import Cascade, fit_cascade
from ensemble.description import LayerWidth, Provenance
from ensemble.model import Ensemble, EnsembleMember
from pipelines.run.records import RoundRecord
from pipelines.run.resolved import ResolvedConfig
from selection.pool import PoolPredictions
from selection.team import Selection
from selection.voting import vote


def make_ensemble(
    team: Sequence[RoundRecord],
    selection: Selection,
    predictions: PoolPredictions,
    resolved: ResolvedConfig,
) -> Ensemble:
    """Return the chosen team as an ensemble.

    Its temperature and its cascade are fitted on the selection split; the cascade is used by
    who asks for it.

    Parameters
    ----------
    team
        The chosen rounds, in the order of the selection's team.
    selection
        How they vote.
    predictions
        Theirs, among others, on the selection split.
    resolved
        What the run was asked.
    """
    members = [ensemble_member(record) for record in team]
    of_team = predictions.rows(selection.team)
    return Ensemble(
        members,
        np.array(resolved.classes),
        resolved.input_shape,
        resolved.scaling,
        voting=selection.voting,
        weights=selection.weights,
        provenance=Provenance(
            data=resolved.config.data.data,
            configuration=resolved.config_sha256,
            method=selection.method,
            pool_size=len(selection.pool),
            select_accuracy=selection.accuracy,
        ),
        temperature=_temperature(of_team, selection),
        cascade=_cascade(of_team, selection, team),
    )


def ensemble_member(record: RoundRecord) -> EnsembleMember:
    """Return a round as a member of an ensemble, its network loaded."""
    widths = tuple(LayerWidth(layer, kept, full) for layer, (kept, full) in record.widths.items())
    return EnsembleMember(record.id, record.arch, record.load().network, record.cost, widths)


def _temperature(team: PoolPredictions, selection: Selection) -> float:
    voted = vote(team.probabilities, np.asarray(selection.weights), selection.voting)
    return fit_temperature(voted.astype(np.float32), team.labels)


def _cascade(
    team: PoolPredictions, selection: Selection, rounds: Sequence[RoundRecord]
) -> Cascade | None:
    if len(rounds) < 2:
        return None
    flops = [record.cost.flops for record in rounds]
    return fit_cascade(team.probabilities, team.labels, flops, selection.weights, selection.voting)
