"""What is in an ensemble and what it costs, as values that the command line lays out."""

from __future__ import annotations

from dataclasses import dataclass

from ensemble.classifier import Classifier
from ensemble.description import LayerWidth, Provenance
from pruning.inference.cost import Cost


@dataclass(frozen=True)
class MemberView:
    """One member: name, architecture, share of the vote, cost, and its layers' widths."""

    name: str
    arch: str
    weight: float
    cost: Cost
    widths: tuple[LayerWidth, ...]

    @property
    def widths_text(self) -> str:
        """The layers as ``conv1 12/64  conv2 9/64``; only those that pruning narrowed."""
        narrowed = (w for w in self.widths if w.kept != w.unpruned)
        return "  ".join(f"{w.layer} {w.kept}/{w.unpruned}" for w in narrowed)


@dataclass(frozen=True)
class EnsembleView:
    """All that `ensemble show` tells.

    Attributes
    ----------
    members
        In the order of the vote.
    cost
        Summed over the members, per sample.
    classes
        As text.
    input_shape
        (C, H, W) or (F,).
    voting, temperature
        How the members' probabilities become the team's.
    cascade
        Members' names in the order the cascade runs them; empty without one.
    cascade_threshold
        Probability at which a sample stops; None without a cascade.
    provenance
        Where it comes from.
    """

    members: tuple[MemberView, ...]
    cost: Cost
    classes: tuple[str, ...]
    input_shape: tuple[int, ...]
    voting: str
    temperature: float
    cascade: tuple[str, ...]
    cascade_threshold: float | None
    provenance: Provenance


def view(model: Classifier) -> EnsembleView:
    """Return what there is to tell of a loaded ensemble."""
    about, how = model.description, model.description.combination
    members = tuple(
        MemberView(member.name, member.arch, weight, member.cost, member.widths)
        for member, weight in zip(about.members, how.weights, strict=True)
    )
    order = how.cascade.order if how.cascade else ()
    return EnsembleView(
        members=members,
        cost=about.cost,
        classes=tuple(map(str, about.classes.tolist())),
        input_shape=about.input_shape,
        voting=how.voting,
        temperature=how.temperature,
        cascade=tuple(about.members[i].name for i in order),
        cascade_threshold=how.cascade.threshold if how.cascade else None,
        provenance=about.provenance,
    )
