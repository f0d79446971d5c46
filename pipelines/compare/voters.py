"""Teams of a pool that vote alike: from members' names to a contender with its scores."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ensemble.calibration import fit_temperature
from pipelines.compare.contenders import Calibrated, Contender
from pipelines.compare.probability_scores import SampleScores, score
from pruning.inference.cost import Cost
from selection.pool import PoolPredictions
from selection.voting import VOTES, vote


@dataclass(frozen=True)
class Voters:
    """What members of a pool make of the two splits when they vote.

    Attributes
    ----------
    select, test
        Predictions of the members, by their names.
    voting
        Name of the vote; weights that it reads are read from `select`.
    """

    select: PoolPredictions
    test: PoolPredictions
    voting: str

    def scores(self, team: Sequence[str], weights: Sequence[float] = ()) -> SampleScores:
        """Return a team's scores on test; weights are the vote's own where none are given."""
        return score(self._voted(self.test, team, weights), self.test.labels)

    def contender(
        self,
        name: str,
        team: Sequence[str],
        cost: Cost,
        weights: Sequence[float] = (),
        epochs_seen: float = math.nan,
    ) -> Contender:
        """Return a team as a contender, its temperature fitted on `select`."""
        voted, labels = self._voted(self.test, team, weights), self.test.labels
        temperature = fit_temperature(self._voted(self.select, team, weights), self.select.labels)
        return Contender(
            name, len(team), score(voted, labels), cost,
            calibrated=Calibrated.of(temperature, voted, labels), team=tuple(team),
            epochs_seen=epochs_seen,
        )  # fmt: skip

    def chosen(self, contender: Contender, weights: Sequence[float] = ()) -> Contender:
        """Return a contender that was chosen by its accuracy on `select`, with that."""
        predicted = self._voted(self.select, contender.team, weights).argmax(1)
        accuracy = float((predicted == self.select.labels).mean())
        return replace(contender, select_accuracy=accuracy)

    def _voted(
        self, split: PoolPredictions, team: Sequence[str], weights: Sequence[float]
    ) -> NDArray[np.float32]:
        shares = np.asarray(weights) if len(weights) else self._weights(team)
        answer = vote(_members(split, team), shares, self.voting)
        return np.asarray(answer, np.float32)

    def _weights(self, team: Sequence[str]) -> NDArray[np.float64]:
        voting = VOTES[self.voting]()
        return voting.weights(_members(self.select, team), self.select.labels)


def _members(split: PoolPredictions, team: Sequence[str]) -> NDArray[np.float32]:
    return split.probabilities[[split.member_ids.index(name) for name in team]]
