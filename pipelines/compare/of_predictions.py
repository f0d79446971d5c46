"""The comparison of a team chosen from predictions made elsewhere: predictions are all there is."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from pipelines.compare.chosen_team import team_of_predictions
from pipelines.compare.contenders import ALL, RANDOM_TEAMS, SELECTED, Contender
from pipelines.compare.paired_tests import PairedTest, tested_together
from pipelines.compare.probability_scores import mean_scores
from pipelines.compare.results import on_pareto_front, results
from pipelines.compare.select_test_gap import select_test_gap
from pipelines.compare.team_comparison import TeamComparison
from pipelines.compare.voters import Voters
from pipelines.run.choice_files import Choice
from pruning.inference.cost import Cost
from selection.costs import PoolCosts
from selection.pool import PoolPredictions

SINGLE_BEST, SINGLE_MEAN, TOP, RANDOM = "single_best", "single_mean", "top_s", "random_s"


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class PredictionsComparison(TeamComparison):
    """All numbers of a team that was chosen from predictions.

    `against` of the selected team is empty; of each rival it holds the rival less the selected
    team, all corrected together by Holm. A rival that is the selected team itself has none.

    Attributes
    ----------
    latency_ms
        By contender: milliseconds per sample, the sum of what was given of its members; empty
        where nothing was given.
    """

    whole = ALL
    single = SINGLE_BEST

    latency_ms: Mapping[str, float]

    def __repr__(self) -> str:
        return f"<Comparison of {self.name!r}, predictions only>"

    @property
    def table(self) -> pd.DataFrame:
        """``comparison.csv``; what is not known has no column."""
        frame = super().table
        if self.latency_ms:
            frame["latency_ms"] = [self.latency_ms[name] for name in frame["contender"]]
        return frame

    def against(self, rival: str) -> PairedTest | None:
        """Return the selected team's test against a rival; None where they are the same team."""
        test = self.row(rival).versus(SELECTED)
        return test.mirrored if test else None


def compare_choice(
    choice: Choice, test: PoolPredictions, *, seed: int = 0, name: str = "", command: str = ""
) -> PredictionsComparison:
    """Compare a chosen team with its rivals on samples that the choice did not see.

    Parameters
    ----------
    choice
        The team, and the predictions that it was chosen on.
    test
        The same members' predictions on other samples.
    seed
        Seeds the random teams and the bootstrap: the same seed, the same numbers.
    name, command
        What it is called, and the command that chose it.
    """
    rows = _contenders(choice, test, np.random.default_rng([seed, 0]))
    numbers = results(
        rows, test.labels, np.random.default_rng([seed, 1]), whole=ALL, tested=_against_selected
    )
    by_name = {row.name: row for row in rows}
    latency = choice.costs.latency
    return PredictionsComparison(
        name=name or choice.source,
        classes=choice.classes,
        split_sizes={"select": len(choice.select.labels), "test": len(test.labels)},
        seed=seed,
        command=command,
        results=numbers,
        pareto=() if choice.costs.flops is None else on_pareto_front(numbers),
        chosen=team_of_predictions(choice.selection, choice.select, test, by_name[SELECTED]),
        reliability={name: by_name[name].reliability for name in (SELECTED, ALL)},
        select_test_gap={
            row.contender: select_test_gap(row, len(choice.select.labels))
            for row in numbers
            if row.select_accuracy is not None
        },
        notes=_notes(choice.select, test),
        latency_ms={} if latency is None else {
            row.name: 1000 * _latency(latency.tolist(), row, choice.select.member_ids)
            for row in rows
        },
    )  # fmt: skip


def _contenders(
    choice: Choice, test: PoolPredictions, rng: np.random.Generator
) -> tuple[Contender, ...]:
    """Return the contenders, in the order of their rows."""
    selection, select = choice.selection, choice.select
    ids, size = select.member_ids, len(selection.team)
    voters = Voters(select, test, selection.voting)
    best_first = [ids[row] for row in np.argsort(-select.accuracies, kind="stable")]
    top = sorted(best_first[:size], key=ids.index)
    draws = [
        [ids[row] for row in np.sort(rng.choice(len(ids), size, replace=False))]
        for _ in range(RANDOM_TEAMS)
    ]

    def team(name: str, members: Sequence[str], weights: Sequence[float] = ()) -> Contender:
        return voters.contender(name, members, _cost(choice.costs, members, ids), weights)

    def any_of(name: str, teams: Sequence[Sequence[str]]) -> Contender:
        costs = Cost.mean(_cost(choice.costs, members, ids) for members in teams)
        return Contender(
            name, len(teams[0]), mean_scores(voters.scores(members) for members in teams), costs
        )

    return (
        voters.chosen(team(SINGLE_BEST, best_first[:1])),
        any_of(SINGLE_MEAN, [[name] for name in ids]),
        voters.chosen(team(TOP, top)),
        team(ALL, ids),
        any_of(RANDOM, draws),
        voters.chosen(team(SELECTED, selection.team, selection.weights), selection.weights),
    )


def _against_selected(
    rows: Sequence[Contender], rng: np.random.Generator
) -> list[tuple[PairedTest, ...]]:
    """Test the selected team against every rival, corrected together, as the rivals see it.

    The mean single member is no choice that anybody has, and is left out. A rival that answers
    as the team does is the team, and costs no correction.
    """
    selected = next(row for row in rows if row.name == SELECTED)
    whole = next(row for row in rows if row.name == ALL)
    rivals = [
        row
        for row in rows
        if row.name not in (SELECTED, SINGLE_MEAN)
        and not _same(row, selected)
        and not (row.name == RANDOM and row.members == whole.members)
    ]
    tests = tested_together(
        [(selected.scores, row.scores) for row in rivals], [SELECTED] * len(rivals), rng
    )
    found = {row.name: (test.mirrored,) for row, test in zip(rivals, tests, strict=True)}
    return [found.get(row.name, ()) for row in rows]


def _same(row: Contender, selected: Contender) -> bool:
    return row.team == selected.team and np.array_equal(
        row.scores.log_loss, selected.scores.log_loss
    )


def _cost(costs: PoolCosts, members: Sequence[str], ids: Sequence[str]) -> Cost:
    """Return what is known of a team's cost; NaN where nothing is."""
    rows = np.array([[ids.index(name) for name in members]])
    flops, size = (
        math.nan if getattr(costs, kind) is None else float(costs.total(kind, rows)[0])
        for kind in ("flops", "bytes")
    )
    return Cost(flops, math.nan, size, math.nan)


def _latency(seconds: Sequence[float], row: Contender, ids: Sequence[str]) -> float:
    """Return a contender's seconds per sample; of a mean over draws, those expected."""
    if not row.team:
        return row.members * sum(seconds) / len(seconds)
    return sum(seconds[ids.index(name)] for name in row.team)


def _notes(select: PoolPredictions, test: PoolPredictions) -> tuple[str, ...]:
    """Say how many test samples look like samples of the choice: all members answer alike."""
    shared = _keys(select) & _keys(test)
    if not shared:
        return ()
    return (
        f"Of {len(test.labels):,} test samples, {len(shared):,} have the very predictions of a "
        "selection sample: if they are the same samples, they flatter the team.",
    )


def _keys(pool: PoolPredictions) -> set[bytes]:
    """Return what all members say of each sample, but where they all are wholly sure."""
    samples = np.ascontiguousarray(pool.probabilities.transpose(1, 0, 2))
    doubtful = ((samples > 0) & (samples < 1)).any((1, 2))
    return {row.tobytes() for row in samples[doubtful]}
