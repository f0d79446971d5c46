"""Who is brought along to a comparison: controls, and the chosen team's other forms."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import ensemble
from ensemble.calibration import fit_temperature
from ensemble.cascade import NEVER, run_cascade
from ensemble.classifier import Classifier
from ensemble.description import Description
from ensemble.reading.arrays import Samples
from ensemble.reading.inputs import AsStored
from pipelines.build.built import Built
from pipelines.compare.contenders import CASCADE, INT8, ONNX, Contender, OtherForms
from pipelines.compare.evidence import Evidence
from pipelines.run.control_files import CONTROLS, Control, option_of
from pruning.core.errors import RequestError
from pruning.data.splits import Split
from pruning.inference.cost import Cost
from pruning.inference.probabilities import predict_probabilities
from selection.pool import PoolPredictions


def other_forms(built: Built, evidence: Evidence, description: Description) -> OtherForms:
    """Return the controls, and the team's cascade, ONNX and int8 forms, where they exist.

    Parameters
    ----------
    built, evidence
        The build, and what it knows of itself.
    description
        What its ensemble says of itself: files of another team are left out.
    """
    made = [
        *(made for name in CONTROLS for made in _control(name, built, evidence)),
        *_cascade(evidence, description),
        *_exported(built, evidence, description),
    ]
    contenders = tuple(one for one in made if isinstance(one, Contender))
    notes = tuple(one for one in made if isinstance(one, str))
    return OtherForms(contenders, (*notes, *_drawn(built, contenders)))


def _drawn(built: Built, compared: Sequence[Contender]) -> Iterator[str]:
    """Say of controls that they are drawn, where the team is not."""
    names = [one.name.replace("_", " ") for one in compared if one.name in CONTROLS]
    init = built.config.dropnet.init
    if names and init is not None:
        yield (
            f"Networks of the run started from the weights {init}, those of the "
            f"{' and the '.join(names)} from random weights, with all layers trained alike: part "
            "of the difference is what the given weights had learnt before."
        )


def _control(name: str, built: Built, evidence: Evidence) -> Iterator[Contender | str]:
    """One of the controls, where it is there; several networks vote by the mean."""
    control = built.store.control(name)
    if control is None:
        return
    if control.team != evidence.selection.team:
        command = f"`ensemble build {option_of(name)}`"
        yield f"The {name.replace('_', ' ')} is of another team; {command} makes a new one."
        return
    for record in control.records:
        record.check()
    select = _control_predictions(built, control, "select", built.splits.select)
    test = _control_predictions(built, control, "test", built.splits.test)
    temperature = fit_temperature(_mean(select), select.labels)
    seen = [math.nan if one.epochs_seen is None else one.epochs_seen for one in control.records]
    yield Contender.of(
        name, len(control.records), _mean(test), test.labels,
        Cost.total(record.cost for record in control.records), temperature=temperature,
        epochs_seen=float(np.mean(seen)),
    )  # fmt: skip


def _mean(pool: PoolPredictions) -> NDArray[np.float32]:
    """Return the (N, C) mean of the networks' probabilities."""
    return np.asarray(pool.probabilities.mean(0, dtype=np.float64), np.float32)


def _control_predictions(
    built: Built, control: Control, part: str, split: Split
) -> PoolPredictions:
    """Return the control's predictions on a part of the data, made once and kept."""
    kept = built.store.control_predictions(control.name, part)
    if kept is not None and np.array_equal(kept.labels, split.labels):
        return kept
    scaling = built.store.resolved.scaling
    found = [
        predict_probabilities(record.load().network, split.images, scaling, device=built.device)
        for record in control.records
    ]
    pool = PoolPredictions(np.stack(found), split.labels, control.network_names, part)
    built.store.keep_control_predictions(control.name, pool)
    return pool


def _exported(
    built: Built, evidence: Evidence, description: Description
) -> Iterator[Contender | str]:
    files = built.store.product_files
    for name, file in ((ONNX, files.onnx), (INT8, files.int8)):
        if file is None:
            continue
        try:
            model = ensemble.load(file)
        except RequestError as error:
            yield f"{file.name} was not compared: {error}."
            continue
        if not same_team(model.description, description):
            yield f"{file.name} was not compared: it is of another team; export it again."
            continue
        cost = _file_cost(model, file, counted=name == ONNX)
        voted = _as_voted(model, built.splits.test.images)
        yield Contender.of(
            name, len(model.description.members), voted, evidence.test.labels, cost,
            temperature=model.description.combination.temperature,
        )  # fmt: skip


def _cascade(evidence: Evidence, description: Description) -> Iterator[Contender | str]:
    """The cascade's answers from the members' own; no network is run again."""
    team, how, cascade = evidence.team, description.combination, description.combination.cascade
    if cascade is None or len(team) < 2:
        return
    if cascade.threshold == NEVER:
        yield "The cascade was not compared: no threshold kept the accuracy, all members run."
        return
    members = evidence.test.rows(evidence.selection.team).probabilities
    ran = run_cascade(
        cascade, members.shape[1], lambda member, rows: members[member, rows],
        how.weights, how.voting,
    )  # fmt: skip
    costs = [member.cost for member in team]
    flops = ran.mean_cost(cascade, [cost.flops for cost in costs])
    yield Contender.of(
        CASCADE, len(team), ran.probabilities.astype(np.float32), evidence.test.labels,
        dataclasses.replace(Cost.total(costs), flops=flops), temperature=how.temperature,
    )  # fmt: skip


def same_team(one: Description, other: Description) -> bool:
    """Whether two artefacts hold the same members, voting alike."""

    def told(about: Description) -> tuple[object, ...]:
        names = tuple(member.name for member in about.members)
        return names, dataclasses.replace(about.combination, cascade=None), about.provenance

    return told(one) == told(other)


def _as_voted(model: Classifier, samples: Samples) -> NDArray[np.float32]:
    """Return the vote before the temperature, as every other contender is compared."""
    return model.set_params(calibrate=False).predict_proba(AsStored(samples))


def _file_cost(model: Classifier, file: Path, *, counted: bool) -> Cost:
    """Return what the file costs: its operations are the team's, its bytes are its own."""
    cost = model.description.cost
    activation = cost.peak_activation_bytes if counted else math.nan
    return Cost(cost.flops, cost.params, file.stat().st_size, activation)
