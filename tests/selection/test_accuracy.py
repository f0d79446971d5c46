"""What teams get right: the same as voting, sample by sample."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from selection.pool import PoolPredictions
from selection.search.accuracy import TeamAccuracy
from selection.search.lattice import all_teams
from selection.search.margins import in_whole_steps
from selection.search.problem import Problem
from selection.search.soft_accuracy import SoftAccuracy
from selection.search.squared_error import error_products, team_error
from selection.voting import VOTES, Vote, vote
from selection.voting.rule import Array, mean_of

MakePool = Callable[..., PoolPredictions]


@pytest.mark.parametrize("voting", VOTES.names())
@pytest.mark.parametrize("size", [1, 2, 3, 6])
def test_teams_are_judged_by_the_scores_their_members_add(
    pool_of: MakePool, voting: str, size: int
) -> None:
    pool = pool_of(6, 300, 4, seed=size)
    teams, chosen = all_teams(6, size), VOTES[voting]()
    scores = chosen.scores(pool.probabilities, pool.labels, size)
    found = TeamAccuracy(pool, voting, size).right(teams)
    for team, right in zip(teams, found, strict=True):
        members = pool.probabilities[team]
        summed = (
            scores[team].sum(0) if scores is not None
            else vote(members, chosen.weights(members, pool.labels), voting)
        )  # fmt: skip
        assert right == (summed.argmax(-1) == pool.labels).sum()


@pytest.mark.parametrize("voting", ["mean", "accuracy_weighted", "plurality", "majority"])
@pytest.mark.parametrize("size", [1, 2, 3, 6])
def test_right_is_what_the_vote_gets_right(pool_of: MakePool, voting: str, size: int) -> None:
    """Of fitted weights it is not: teams are searched by the mean, weights come after."""
    pool = pool_of(6, 300, 4, seed=size)
    teams = all_teams(6, size)
    accuracy = TeamAccuracy(pool, voting, size)
    for team, right in zip(teams, accuracy.right(teams), strict=True):
        members = pool.probabilities[team]
        weights = VOTES[voting]().weights(members, pool.labels)
        assert right == (vote(members, weights, voting).argmax(-1) == pool.labels).sum()


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**32), members=st.integers(1, 6), classes=st.integers(1, 4),
    data=st.data(),
)  # fmt: skip
def test_ties_are_ties(
    coarse_pool: MakePool, seed: int, members: int, classes: int, data: st.DataObject
) -> None:
    size = data.draw(st.integers(1, members))
    pool = coarse_pool(members, 12, classes, seed)
    teams = all_teams(members, size)
    summed = pool.probabilities[teams].sum(1)
    expected = (summed.argmax(-1) == pool.labels).sum(1)
    accuracy = TeamAccuracy(pool, "mean", size)
    np.testing.assert_array_equal(accuracy.right(teams), expected)
    np.testing.assert_array_equal(accuracy.hits(teams).sum(1), expected)
    np.testing.assert_array_equal(accuracy.right(teams[:, ::-1]), expected)


@pytest.mark.parametrize("top", [1e-3, 1.0, 40.0])
@pytest.mark.parametrize("size", [1, 5, 16, 17, 64])
def test_steps_are_whole_fine_and_their_sums_exact(size: int, top: float) -> None:
    scores = np.random.default_rng(size).random((size, 50)) * top
    steps = in_whole_steps(scores, size)
    assert (steps % 1 == 0).all()
    exact = [sum(int(step) for step in column) for column in steps.T]
    assert steps.sum(0).tolist() == exact == steps[::-1].sum(0).tolist()
    step = top / steps.max() * scores.max() / top
    np.testing.assert_allclose(steps * step, scores, atol=1e-5 * top)


class SharesSeen(Vote):
    """A vote that does not add, and notes the weights it is handed."""

    def __init__(self) -> None:
        self.seen: list[list[float]] = []

    def scores(self, probabilities: Array, labels: NDArray[np.int64], size: int) -> None:
        """Return None: teams are judged by the vote itself."""

    def __call__(self, probabilities: Array, weights: Array) -> Array:
        """Return the mean."""
        self.seen.append(weights.tolist())
        return mean_of(probabilities, weights)


@pytest.mark.parametrize("size", [1, 2, 4])
def test_a_vote_that_does_not_add_is_handed_equal_shares(pool_of: MakePool, size: int) -> None:
    pool, teams = pool_of(6, 60, 3), all_teams(6, size)
    accuracy = TeamAccuracy(pool, "majority", size)
    accuracy.vote = own = SharesSeen()
    accuracy.right(teams)
    accuracy.hits(teams)
    assert own.seen and all(weights == [1 / size] * size for weights in own.seen)


def test_many_teams_in_runs_and_threads_are_counted_as_one_by_one(pool_of: MakePool) -> None:
    pool = pool_of(16, 200, 5)
    teams = all_teams(16, 5)
    accuracy = TeamAccuracy(pool, "mean", 5)
    chosen = np.random.default_rng(0).choice(len(teams), 50, replace=False)
    alone = [int(accuracy.right(teams[[row]])[0]) for row in chosen]
    assert accuracy.right(teams)[chosen].tolist() == alone


def test_relabelling_the_pool_changes_nothing(pool_of: MakePool) -> None:
    pool = pool_of(7, 150, 3)
    order = np.random.default_rng(1).permutation(7)
    turned = PoolPredictions(
        pool.probabilities[order], pool.labels, tuple(pool.member_ids[r] for r in order), "select"
    )
    place = np.argsort(order)
    teams = all_teams(7, 4)
    here = TeamAccuracy(pool, "mean", 4).right(teams)
    there = TeamAccuracy(turned, "mean", 4).right(place[teams])
    np.testing.assert_array_equal(here, there)


def test_squared_error_is_that_of_the_mean_vote(pool_of: MakePool) -> None:
    pool = pool_of(6, 80, 3)
    teams = all_teams(6, 3)
    truth = np.eye(3)[pool.labels]
    expected = ((pool.probabilities[teams].mean(1) - truth) ** 2).sum(-1).mean(-1)
    found = team_error(error_products(pool.probabilities, pool.labels), teams)
    np.testing.assert_allclose(found, expected, atol=1e-6)


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("width", [0.05, 0.4, 1.0])
def test_soft_accuracy_is_the_ramp_of_the_mean_margin(
    pool_of: MakePool, width: float, classes: int
) -> None:
    pool = pool_of(5, 120, classes)
    teams = all_teams(5, 3)
    p = pool.probabilities[teams].astype(float).mean(1)
    rows = np.arange(120)
    own = p[:, rows, pool.labels].copy()
    p[:, rows, pool.labels] = -1
    expected = np.clip(0.5 + (own - p.max(-1)) / (2 * width), 0, 1).sum(1)
    np.testing.assert_allclose(SoftAccuracy(Problem(pool, 3), width).of(teams), expected, atol=1e-4)


def test_a_narrow_ramp_is_accuracy(pool_of: MakePool) -> None:
    problem = Problem(pool_of(6, 200, 4), 3)
    teams = all_teams(6, 3)
    soft = SoftAccuracy(problem, 1e-6).of(teams)
    np.testing.assert_allclose(soft, problem.right(teams), atol=1)
