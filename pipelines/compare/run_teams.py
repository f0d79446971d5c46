"""The contenders that every comparison has: all unpruned, the best one, random teams, …."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ensemble.calibration import fit_temperature
from pipelines.compare.contenders import (
    ALL_PRUNED,
    ALL_UNPRUNED,
    RANDOM,
    SELECTED,
    SINGLE_BEST,
    Calibrated,
    Contender,
)
from pipelines.compare.evidence import Evidence
from pipelines.compare.probability_scores import SampleScores, mean_scores, score
from pipelines.run.records import RoundRecord
from pruning.inference.cost import Cost
from selection.choosing import select_team
from selection.pool import PoolPredictions
from selection.team import Selection
from selection.voting import VOTES, vote

RANDOM_TEAMS = 100

Choose = Callable[[PoolPredictions, int], Sequence[str]]
"""Names so many members of a pool of ``select`` predictions."""


def hq_like(chosen: Selection) -> Choose:
    """Return HQ as the run used it; with its default options where the run used another method."""
    options: dict[str, Any] = dict(chosen.options) if chosen.method == "hq" else {}

    def choose(pool: PoolPredictions, size: int) -> Sequence[str]:
        return select_team(pool, "hq", size, voting=chosen.voting, **options).team

    return choose


@dataclass(frozen=True)
class _Teams:
    """The teams that can be formed of one run, all voting alike."""

    evidence: Evidence

    def weights(self, team: Sequence[RoundRecord]) -> NDArray[np.float64]:
        """Return the weights this run's vote gives a team, read from ``select``."""
        split, voting = self.evidence.select, VOTES[self.evidence.selection.voting]()
        return voting.weights(_members(split, team), split.labels)

    def voted(
        self, split: PoolPredictions, team: Sequence[RoundRecord], weights: Sequence[float] = ()
    ) -> NDArray[np.float32]:
        shares = np.asarray(weights) if len(weights) else self.weights(team)
        answer = vote(_members(split, team), shares, self.evidence.selection.voting)
        return np.asarray(answer, np.float32)

    def scores(self, team: Sequence[RoundRecord], weights: Sequence[float] = ()) -> SampleScores:
        test = self.evidence.test
        return score(self.voted(test, team, weights), test.labels)

    def team(
        self, name: str, team: Sequence[RoundRecord], weights: Sequence[float] = ()
    ) -> Contender:
        voted, labels = self.voted(self.evidence.test, team, weights), self.evidence.test.labels
        temperature = fit_temperature(
            self.voted(self.evidence.select, team, weights), self.evidence.select.labels
        )
        return Contender(
            name, len(team), score(voted, labels), _cost(team),
            calibrated=Calibrated.of(temperature, voted, labels), team=tuple(m.id for m in team),
            epochs_seen=_epochs_seen(team),
        )  # fmt: skip

    def chosen(
        self, name: str, team: Sequence[RoundRecord], weights: Sequence[float] = ()
    ) -> Contender:
        """Return a team that was chosen by its accuracy on the selection split."""
        select = self.evidence.select
        predicted = self.voted(select, team, weights).argmax(1)
        accuracy = float((predicted == select.labels).mean())
        return replace(self.team(name, team, weights), select_accuracy=accuracy)

    def any_of(self, name: str, teams: Sequence[Sequence[RoundRecord]]) -> Contender:
        """Return "one of these teams", each equally likely."""
        return Contender(
            name,
            len(teams[0]),
            mean_scores(self.scores(team) for team in teams),
            Cost.mean(_cost(team) for team in teams),
            epochs_seen=float(np.mean([_epochs_seen(team) for team in teams])),
        )


def contenders(
    evidence: Evidence, rng: np.random.Generator, choose: Choose | None = None
) -> tuple[Contender, ...]:
    """Return the contenders every comparison has, in the order of its rows.

    All teams vote by the run's vote, with the weights it reads from ``select``.

    Parameters
    ----------
    rng
        Draws the random teams.
    choose
        Chooses ``hq_unpruned``; by default HQ as the run used it.
    """
    teams, selection = _Teams(evidence), evidence.selection
    unpruned, pruned = evidence.unpruned, evidence.handed_on
    by_id = {m.id: m for m in evidence.members}
    pool = evidence.select.rows(tuple(m.id for m in unpruned))
    best_first = [unpruned[i] for i in np.argsort(-pool.accuracies, kind="stable")]
    size = min(len(selection.team), len(unpruned))
    top = sorted(best_first[:size], key=lambda m: m.run)
    hq = [by_id[name] for name in (choose or hq_like(selection))(pool, size)]
    draws = [
        [pruned[i] for i in np.sort(rng.choice(len(pruned), size, replace=False))]
        for _ in range(RANDOM_TEAMS)
    ]
    return (
        teams.chosen(SINGLE_BEST, best_first[:1]),
        teams.any_of("single_mean_unpruned", [[m] for m in unpruned]),
        teams.chosen("top_s_unpruned", top),
        teams.chosen("hq_unpruned", hq),
        teams.team(ALL_UNPRUNED, unpruned),
        teams.team(ALL_PRUNED, pruned),
        teams.any_of(RANDOM, draws),
        teams.chosen(SELECTED, evidence.team, selection.weights),
    )


def _members(split: PoolPredictions, team: Sequence[RoundRecord]) -> NDArray[np.float32]:
    return split.probabilities[[split.member_ids.index(m.id) for m in team]]


def _epochs_seen(team: Sequence[RoundRecord]) -> float:
    """Return the mean over the members; NaN where a run of an older version did not note it."""
    seen = [np.nan if member.epochs_seen is None else member.epochs_seen for member in team]
    return float(np.mean(seen))


def _cost(team: Sequence[RoundRecord]) -> Cost:
    return Cost.total(member.cost for member in team)
