"""The last step of a build: the chosen members become the artefact."""

from __future__ import annotations

import numpy as np

from ensemble.artefact import save
from ensemble.calibration import fit_temperature
from ensemble.cascade import fit_cascade
from ensemble.description import LayerWidth, Provenance
from ensemble.model import Ensemble, EnsembleMember
from pipelines.run.directory import RunDirectory
from pipelines.run.member_ids import member_id
from pipelines.run.predictions import read_predictions
from selection.team import Selection
from selection.voting import vote


def make_ensemble(run: RunDirectory, selection: Selection) -> Ensemble:
    """Write the chosen team to the run's ``ensemble/`` and return it.

    Its temperature and its cascade are fitted on the selection split, with the predictions
    kept there; the cascade is used by who asks for it.
    """
    root = run.root
    pool = read_predictions(run.select_file, "select").rows(selection.team)
    weights = np.asarray(selection.weights)
    wanted = set(selection.team)
    found = {
        member_id(history.run, entry.round): (history, entry)
        for history in run.histories()
        for entry in history.rounds
        if member_id(history.run, entry.round) in wanted
    }
    members = [
        EnsembleMember(
            name=name,
            arch=found[name][0].arch,
            network=run.load_member(found[name][0].run, found[name][1].round).network,
            cost=found[name][1].cost,
            widths=tuple(
                LayerWidth(layer, kept, unpruned)
                for layer, (kept, unpruned) in found[name][1].widths.items()
            ),
        )
        for name in selection.team
    ]
    model = Ensemble(
        members,
        np.array(root.classes),
        root.input_shape,
        root.input_scaling,
        voting=selection.voting,
        weights=selection.weights,
        provenance=Provenance(
            data=root.config.data.data,
            configuration=root.config.sha256,
            method=selection.method,
            pool_size=len(selection.pool),
            select_accuracy=selection.accuracy,
        ),
        temperature=fit_temperature(
            vote(pool.probabilities, weights, selection.voting).astype(np.float32), pool.labels
        ),
        cascade=fit_cascade(
            pool.probabilities,
            pool.labels,
            [member.cost.flops for member in members],
            selection.weights,
            selection.voting,
        )
        if len(members) > 1
        else None,
    )
    save(model, run.ensemble_folder)
    return model
