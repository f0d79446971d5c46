"""Who is brought along to a comparison: the control, and the chosen team's other forms."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import ensemble
from ensemble.artefact import describe_folder
from ensemble.calibration import fit_temperature
from ensemble.cascade import NEVER, run_cascade
from ensemble.classifier import Classifier
from ensemble.description import Description
from pipelines.compare.contenders import CASCADE, INT8, ONNX, Contender
from pipelines.compare.evidence import Evidence, MemberRecord
from pipelines.run.control import CONTROL, control_predictions, stored_control
from pipelines.run.directory import RunDirectory
from pruning.core.errors import RequestError
from pruning.data.splits import Splits
from pruning.inference.cost import Cost


@dataclass(frozen=True)
class Extras:
    """What a run holds beside its teams.

    Attributes
    ----------
    contenders
        One for each form that is there.
    notes
        Why a form that is there was not compared, a sentence each.
    """

    contenders: tuple[Contender, ...] = ()
    notes: tuple[str, ...] = ()


def bring(run: RunDirectory, evidence: Evidence, splits: Splits) -> Extras:
    """Return the control, and the team's ONNX, int8 and cascade forms, where they exist."""
    found: list[Contender] = []
    notes: list[str] = []
    for maker in (_control, _exported, _cascade):
        for made in maker(run, evidence, splits):
            if isinstance(made, str):
                notes.append(made)
            else:
                found.append(made)
    return Extras(tuple(found), tuple(notes))


def _control(run: RunDirectory, evidence: Evidence, splits: Splits) -> Iterator[Contender | str]:
    control = stored_control(run, evidence.selection.team)
    if control is None:
        if run.control_file.is_file():
            yield "The control is of another team; `ensemble build --control` makes a new one."
        return
    select = control_predictions(run, control, "select", splits.select)
    test = control_predictions(run, control, "test", splits.test)
    temperature = fit_temperature(select.probabilities[0], select.labels)
    yield Contender.of(
        CONTROL, 1, test.probabilities[0], test.labels, control.cost,
        temperature=temperature,
    )  # fmt: skip


def _exported(run: RunDirectory, evidence: Evidence, splits: Splits) -> Iterator[Contender | str]:
    for name, file in ((ONNX, run.onnx_file), (INT8, run.int8_file)):
        if not file.is_file():
            continue
        try:
            model = ensemble.load(file)
        except RequestError as error:
            yield f"{file.name} was not compared: {error}."
            continue
        if not same_team(model.description, _artefact(run)):
            yield f"{file.name} was not compared: it is of another team; export it again."
            continue
        cost = _file_cost(model, file, counted=name == ONNX)
        voted = _as_voted(model, splits.test.images)
        yield Contender.of(
            name, len(model.description.members), voted, evidence.test.labels, cost,
            temperature=model.description.temperature,
        )  # fmt: skip


def _cascade(run: RunDirectory, evidence: Evidence, splits: Splits) -> Iterator[Contender | str]:
    """The cascade's answers from the members' own; no network is run again."""
    about, team = _artefact(run), evidence.selection.team
    cascade = about.cascade
    if cascade is None or len(team) < 2:
        return
    if cascade.threshold == NEVER:
        yield "The cascade was not compared: no threshold kept the accuracy, all members run."
        return
    members = evidence.test.rows(team).probabilities
    ran = run_cascade(
        cascade, members.shape[1], lambda member, rows: members[member, rows],
        about.weights, about.voting,
    )  # fmt: skip
    by_id: dict[str, MemberRecord] = {m.id: m for m in evidence.members}
    costs = [by_id[name].cost for name in team]
    flops = ran.mean_cost(cascade, [cost.flops for cost in costs])
    yield Contender.of(
        CASCADE, len(team), ran.probabilities.astype(np.float32), evidence.test.labels,
        dataclasses.replace(Cost.total(costs), flops=flops), temperature=about.temperature,
    )  # fmt: skip


def same_team(one: Description, other: Description) -> bool:
    """Whether two artefacts hold the same members, voting alike."""

    def told(about: Description) -> tuple[object, ...]:
        names = tuple(member.name for member in about.members)
        return names, about.voting, about.weights, about.temperature, about.provenance

    return told(one) == told(other)


def _artefact(run: RunDirectory) -> Description:
    if not run.ensemble_folder.is_dir():
        raise RequestError(
            f"{run.path} has no ensemble/; give the `ensemble build` command again to go on"
        )
    return describe_folder(run.ensemble_folder)


def _as_voted(model: Classifier, samples: NDArray[np.generic]) -> NDArray[np.float32]:
    """Return the vote before the temperature, as every other contender is compared."""
    return model.set_params(calibrate=False).predict_proba(samples)


def _file_cost(model: Classifier, file: Path, *, counted: bool) -> Cost:
    """Return what the file costs: its operations are the team's, its bytes are its own."""
    cost = model.description.cost
    activation = cost.peak_activation_bytes if counted else math.nan
    return Cost(cost.flops, cost.params, file.stat().st_size, activation)
