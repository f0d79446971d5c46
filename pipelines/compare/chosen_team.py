"""The chosen team: its members, why they were chosen, and what it gets right and wrong."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from pipelines.compare.candidate_teams import Candidates, candidates
from pipelines.compare.contenders import Contender
from pipelines.compare.disagreement import Disagreement, disagreement
from pipelines.compare.evidence import Evidence
from pipelines.compare.mistakes import Confusion, Votes, confusion, votes
from pipelines.compare.probability_scores import SampleScores
from pipelines.run.records import RoundRecord
from selection.pool import PoolPredictions
from selection.team import Selection


@dataclass(frozen=True, eq=False)
class Picture:
    """A test sample worth a look.

    Attributes
    ----------
    pixels
        (C, H, W) uint8.
    true, predicted
        Class indices; `predicted` is the selected team's.
    votes
        Each member's predicted class.
    """

    pixels: NDArray[np.uint8]
    true: int
    predicted: int
    votes: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class ChosenTeam:
    """What is known of the selected team beyond its row of the table.

    Attributes
    ----------
    members
        In the order in which they vote; none where only predictions are known.
    method
        Name of the method that chose them.
    candidates
        Teams that the method looked at; None where it recorded none.
    disagreement
        Between the members of the pool, on ``select``.
    scores
        Sample by sample on test.
    confusion, votes
        On test.
    pictures
        Test samples worth a look, by index; empty where samples are feature rows.
    """

    members: tuple[RoundRecord, ...]
    method: str
    candidates: Candidates | None
    disagreement: Disagreement
    scores: SampleScores
    confusion: Confusion
    votes: Votes
    pictures: Mapping[int, Picture]

    @property
    def units_left(self) -> float:
        """Mean share of its units that a member has left, in (0, 1]."""
        return sum(member.remaining for member in self.members) / len(self.members)


def chosen_team(evidence: Evidence, selected: Contender) -> ChosenTeam:
    """Return what is known of the selected team of a run.

    Parameters
    ----------
    selected
        The team among the contenders.
    """
    known = team_of_predictions(evidence.selection, evidence.select, evidence.test, selected)
    pictures = _pictures(evidence, selected, known.confusion, known.votes)
    return replace(known, members=evidence.team, pictures=pictures)


def team_of_predictions(
    selection: Selection, select: PoolPredictions, test: PoolPredictions, selected: Contender
) -> ChosenTeam:
    """Return what the predictions on the two splits say of the selected team."""
    best = int(select.rows(selection.team).accuracies.argmax())
    return ChosenTeam(
        members=(),
        method=selection.method,
        candidates=candidates(selection),
        disagreement=disagreement(select, selection.pool, selection.team),
        scores=selected.scores,
        confusion=confusion(selected.scores, test.labels, test.probabilities.shape[2]),
        votes=votes(test.rows(selection.team), best, selected.scores.correct == 1),
        pictures={},
    )


def _pictures(
    evidence: Evidence, selected: Contender, confused: Confusion, voted: Votes
) -> dict[int, Picture]:
    predicted = selected.scores.predicted
    if evidence.test_images is None or predicted is None:
        return {}
    shown = {sample for pair in confused.pairs for sample in pair.samples}
    shown |= {*voted.rescued, *voted.lost}
    ballots = evidence.test.rows(evidence.selection.team).predictions
    return {
        sample: Picture(
            evidence.test_images[sample],
            int(evidence.test.labels[sample]),
            int(predicted[sample]),
            tuple(ballots[:, sample].tolist()),
        )
        for sample in sorted(shown)
    }
