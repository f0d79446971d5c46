"""The contenders that every comparison has: all unpruned, the best one, random teams, …."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from pipelines.compare.contenders import (
    ALL_PRUNED,
    ALL_UNPRUNED,
    RANDOM,
    RANDOM_TEAMS,
    SELECTED,
    SINGLE_BEST,
    Contender,
)
from pipelines.compare.evidence import Evidence
from pipelines.compare.probability_scores import mean_scores
from pipelines.compare.voters import Voters
from pipelines.run.records import RoundRecord
from pruning.inference.cost import Cost
from selection.choosing import select_team
from selection.pool import PoolPredictions
from selection.team import Selection

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

    voters: Voters

    def team(
        self, name: str, team: Sequence[RoundRecord], weights: Sequence[float] = ()
    ) -> Contender:
        ids = tuple(m.id for m in team)
        return self.voters.contender(name, ids, _cost(team), weights, _epochs_seen(team))

    def chosen(
        self, name: str, team: Sequence[RoundRecord], weights: Sequence[float] = ()
    ) -> Contender:
        """Return a team that was chosen by its accuracy on the selection split."""
        return self.voters.chosen(self.team(name, team, weights), weights)

    def any_of(self, name: str, teams: Sequence[Sequence[RoundRecord]]) -> Contender:
        """Return "one of these teams", each equally likely."""
        return Contender(
            name,
            len(teams[0]),
            mean_scores(self.voters.scores([m.id for m in team]) for team in teams),
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
    selection = evidence.selection
    teams = _Teams(Voters(evidence.select, evidence.test, selection.voting))
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


def _epochs_seen(team: Sequence[RoundRecord]) -> float:
    """Return the mean over the members; NaN where a run of an older version did not note it."""
    seen = [np.nan if member.epochs_seen is None else member.epochs_seen for member in team]
    return float(np.mean(seen))


def _cost(team: Sequence[RoundRecord]) -> Cost:
    return Cost.total(member.cost for member in team)
