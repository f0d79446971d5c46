"""Who is compared: the teams of one run, and whoever is brought along as a value."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ensemble.calibration import fit_temperature, temper
from pipelines.compare.evidence import Evidence
from pipelines.compare.probability_scores import SampleScores, mean_scores, score
from pipelines.run.records import RoundRecord
from pruning.inference.cost import Cost
from selection.choosing import select_team
from selection.pool import PoolPredictions
from selection.team import Selection
from selection.voting import VOTES, vote

RANDOM_TEAMS = 100
ALL_UNPRUNED = "all_unpruned"
ALL_PRUNED = "all_pruned"
RANDOM = "random_s_pruned"
SINGLE_BEST = "single_best_unpruned"
SELECTED = "selected"
ONNX, INT8, CASCADE = "selected_onnx", "selected_int8", "selected_cascade"
EXPORTED = (ONNX, INT8)

Choose = Callable[[PoolPredictions, int], Sequence[str]]
"""Names so many members of a pool of ``select`` predictions."""


@dataclass(frozen=True)
class Measurements:
    """What a stopwatch said, kept apart from cost; None where nobody measured.

    Attributes
    ----------
    latency_1_ms, latency_128_ms
        Milliseconds for a batch of 1 and of 128.
    throughput
        Samples a second, in larger batches.
    peak_process_bytes
        Most memory that a process which loads it and predicts has held.
    disk_bytes
        Of its files, as the product stores them.
    """

    latency_1_ms: float | None = None
    latency_128_ms: float | None = None
    throughput: float | None = None
    peak_process_bytes: float | None = None
    disk_bytes: float | None = None


@dataclass(frozen=True)
class Calibrated:
    """The same prediction at a temperature fitted on the selection split.

    Attributes
    ----------
    temperature
        Above 1 makes less sure.
    scores
        On the test split; the predicted classes are those at temperature 1.
    """

    temperature: float
    scores: SampleScores

    @classmethod
    def of(
        cls, temperature: float, probabilities: NDArray[np.float32], labels: NDArray[np.int64]
    ) -> Calibrated:
        """Return it from the (N, C) probabilities at temperature 1 on the test split."""
        tempered = temper(probabilities, temperature).astype(np.float32)
        return cls(temperature, score(tempered, labels))


@dataclass(frozen=True)
class Contender:
    """One row of the comparison.

    Attributes
    ----------
    name
        Its name in ``comparison.csv``.
    members
        How many networks vote.
    scores
        Its scores on the test split.
    cost
        Per sample, its members run one after another.
    measured
        Latency and memory, where measured.
    select_accuracy
        Accuracy on the selection split, where the contender was chosen by it.
    calibrated
        At a fitted temperature; None for a mean over draws.
    team
        Names of its members, where it is one team of the run's.
    brought
        Whether it is no team of every comparison but was brought along, and is tested
        against the selected team too.
    """

    name: str
    members: int
    scores: SampleScores
    cost: Cost
    measured: Measurements = Measurements()
    select_accuracy: float | None = None
    calibrated: Calibrated | None = None
    team: tuple[str, ...] = ()
    brought: bool = False

    @classmethod
    def of(
        cls,
        name: str,
        members: int,
        probabilities: NDArray[np.float32],
        labels: NDArray[np.int64],
        cost: Cost,
        *,
        temperature: float | None = None,
    ) -> Contender:
        """Return a contender brought along, from its (N, C) probabilities on the test split."""
        tempered = (
            None if temperature is None else Calibrated.of(temperature, probabilities, labels)
        )
        return cls(
            name, members, score(probabilities, labels), cost, calibrated=tempered, brought=True
        )


@dataclass(frozen=True)
class OtherForms:
    """Who is compared besides the run's teams: the control, and the chosen team's other forms.

    Attributes
    ----------
    contenders
        One for each form that is there.
    notes
        Why a form that is there was not compared, a sentence each.
    """

    contenders: tuple[Contender, ...] = ()
    notes: tuple[str, ...] = ()


NOBODY = OtherForms()
"""The run's own teams alone are compared."""


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


def _cost(team: Sequence[RoundRecord]) -> Cost:
    return Cost.total(member.cost for member in team)
