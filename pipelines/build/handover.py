"""The last step of a build: the chosen members become the ensemble."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ensemble.calibration import fit_temperature
from ensemble.cascade import fit_cascade
from ensemble.combination import Combination
from ensemble.description import Description, LayerWidth, MemberInfo, Provenance
from ensemble.member import EnsembleMember
from ensemble.model import Ensemble
from pipelines.run.records import RoundRecord
from pipelines.run.resolved import ResolvedConfig
from pruning.networks.architecture import built_in
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
    archs = len(resolved.config.archs)
    members = told_apart(
        [ensemble_member(record) for record in team], [record.run % archs for record in team]
    )
    return Ensemble(
        members,
        resolved.classes,
        resolved.input_shape,
        scaling=resolved.scaling,
        combination=_combination(predictions.rows(selection.team), selection, members),
        provenance=Provenance(
            data=resolved.config.data.data,
            configuration=resolved.config_sha256,
            method=selection.method,
            pool_size=len(selection.pool),
            select_accuracy=selection.accuracy,
        ),
    )


def is_of(description: Description, selection: Selection) -> bool:
    """Whether an ensemble is the one that was made of a choice; its cascade may be another."""
    how, whence = description.combination, description.provenance
    return (
        tuple(member.name for member in description.members) == selection.team
        and (how.voting, how.weights) == (selection.voting, selection.weights)
        and (whence.method, whence.pool_size) == (selection.method, len(selection.pool))
        and whence.select_accuracy == selection.accuracy
    )


def ensemble_member(record: RoundRecord, name: str | None = None) -> EnsembleMember:
    """Return a round as a member of an ensemble, its network loaded; usually by its own name."""
    widths = tuple(LayerWidth(layer, kept, full) for layer, (kept, full) in record.widths.items())
    info = MemberInfo(name or record.id, record.arch, record.cost, widths)
    return EnsembleMember(record.load().network, info)


def told_apart(members: Sequence[EnsembleMember], places: Sequence[int]) -> list[EnsembleMember]:
    """Return members whose architectures have a name each: loading asks for a factory by it.

    Networks that were given themselves are called by their class, such as ``Net``, whatever their
    widths before pruning; where those differ, they are ``Net-1``, ``Net-2`` and so on, in the
    order in which they were given, which `places` says of each member.
    """
    shapes: dict[str, list[tuple[tuple[str, int], ...]]] = {}
    for _, member in sorted(zip(places, members, strict=True), key=lambda pair: pair[0]):
        arch, unpruned = member.info.arch, _unpruned(member)
        if ":" not in arch and not built_in(arch) and unpruned not in shapes.setdefault(arch, []):
            shapes[arch].append(unpruned)
    several = {arch: known for arch, known in shapes.items() if len(known) > 1}
    return [_numbered(member, several.get(member.info.arch, ())) for member in members]


def _numbered(
    member: EnsembleMember, shapes: Sequence[tuple[tuple[str, int], ...]]
) -> EnsembleMember:
    """Return a member whose architecture's name says which of its shapes it has, if there are."""
    if not shapes:
        return member
    arch = f"{member.info.arch}-{shapes.index(_unpruned(member)) + 1}"
    return replace(member, info=replace(member.info, arch=arch))


def _unpruned(member: EnsembleMember) -> tuple[tuple[str, int], ...]:
    return tuple((layer.layer, layer.unpruned) for layer in member.info.widths)


def _combination(
    team: PoolPredictions, selection: Selection, members: Sequence[EnsembleMember]
) -> Combination:
    """Return the selection's vote with its temperature and cascade, fitted on `team`."""
    p, labels = team.probabilities, team.labels
    voted = vote(p, np.asarray(selection.weights), selection.voting).astype(np.float32)
    cascade = None
    if len(members) > 1:
        flops = [member.info.cost.flops for member in members]
        cascade = fit_cascade(p, labels, flops, selection.weights, selection.voting)
    return Combination(selection.voting, selection.weights, fit_temperature(voted, labels), cascade)
