"""HQ against a plain transcription of the rules, and what the hierarchy promises."""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations
from math import comb
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.stats import rankdata

from pruning.core.errors import RequestError
from selection.costs import Budget, PoolCosts
from selection.focal import rank_weights
from selection.measures import MEASURES, team_diversity
from selection.methods.hq import HierarchicalSelection
from selection.pool import PoolPredictions
from selection.search.hierarchy import Rules, narrow, prune_levels, rank_share
from selection.search.lattice import Ranks, all_teams, grow
from selection.search.levels import UNKNOWN, Level
from selection.search.problem import Problem

MakePool = Callable[..., PoolPredictions]
Team = tuple[int, ...]
MEASURES_ASKED = ("cohen_kappa", "disagreement", "generalized_diversity")


def focal_table(
    pool: PoolPredictions, teams: list[Team], measure: str
) -> dict[tuple[Team, int], float]:
    """Return the flipped measure of each team on each of its members' negatives."""
    sign = 1 if MEASURES[measure].more_is_diverse else -1
    table = {}
    for focal in range(len(pool)):
        own = [t for t in teams if focal in t]
        if own:
            values = team_diversity(
                pool.predictions, pool.labels, np.array(own), measure=measure, focal=focal
            )
            table.update({(t, focal): sign * float(v) for t, v in zip(own, values, strict=True)})
    return table


def plain_scores(
    pool: PoolPredictions, teams: list[Team], measure: str, published: bool = False
) -> dict[Team, float]:
    """Return focal diversity by the rules of the design, a team at a time."""
    raw = focal_table(pool, teams, measure)
    right = (pool.predictions == pool.labels).sum(1)
    scores = {}
    for team in teams:
        total = weight_sum = 0.0
        order = np.argsort([right[f] for f in team], kind="stable")
        for place, focal in enumerate(team):
            column = [raw[t, focal] for t in teams if focal in t]
            low, high = min(column), max(column)
            scaled = (raw[team, focal] - low) / (high - low) if high - low > 1e-12 else 0.0
            less = sum(right[o] < right[focal] for o in team)
            equal = sum(right[o] == right[focal] for o in team)
            weight = order[place] if published else less + (equal + 1) / 2
            total += weight * scaled
            weight_sum += weight
        scores[team] = round(total / weight_sum, 12)
    return scores


def plain_ranks(scores: dict[Team, float]) -> dict[Team, float]:
    values = list(scores.values())
    return {
        team: sum(o < v for o in values) + (sum(o == v for o in values) - 1) / 2
        for team, v in scores.items()
    }


def plain_hq(
    pool: PoolPredictions, size: int, beta: float, measures: tuple[str, ...]
) -> dict[int, set[Team]]:
    """Return the teams that stand at each size, by the rules of the design."""
    right = (pool.predictions == pool.labels).sum(1)
    dropped: list[Team] = []
    standing = {}
    for n in range(2, size + 1):
        teams = [
            t for t in combinations(range(len(pool)), n)
            if not any(set(d) <= set(t) for d in dropped)
        ]  # fmt: skip
        ranks = [plain_ranks(plain_scores(pool, teams, m)) for m in measures]
        most = max(len(teams) - 1, 1)
        order = sorted(
            teams,
            key=lambda t: (
                round(float(np.mean([r[t] / most for r in ranks])), 12),
                sum(right[m] for m in t),
                t,
            ),
        )
        fell = order[: int(len(teams) * beta)]
        dropped += fell
        standing[n] = set(teams) - set(fell)
    return standing


def as_set(teams: NDArray[Any]) -> set[Team]:
    return {tuple(map(int, team)) for team in teams}


@pytest.mark.parametrize("measures", [("cohen_kappa",), MEASURES_ASKED, MEASURES.names()])
def test_hq_of_ten_is_the_plain_transcription(pool_of: MakePool, measures: tuple[str, ...]) -> None:
    pool = pool_of(10, 200, 4, seed=3)
    levels = prune_levels(Problem(pool, 5), Rules(measures, (0.1,) * 4))
    expected = plain_hq(pool, 5, 0.1, measures)
    for level in levels[1:]:
        assert as_set(level.teams[level.standing]) == expected[level.size]


def test_hq_chooses_the_most_accurate_survivor(pool_of: MakePool) -> None:
    pool = pool_of(9, 200, 4, seed=1)
    hq = HierarchicalSelection(size=4, prune_fraction=0.2).fit_pool(pool)
    survivors = plain_hq(pool, 4, 0.2, MEASURES_ASKED)[4]
    right = Problem(pool, 4).right(np.array(sorted(survivors)))
    best = {t for t, r in zip(sorted(survivors), right, strict=True) if r == right.max()}
    assert hq.team_ in best


@pytest.mark.parametrize("measure", ["cohen_kappa", "disagreement", "generalized_diversity"])
def test_published_mode_drops_what_the_published_script_drops(
    pool_of: MakePool, measure: str
) -> None:
    pool = pool_of(8, 150, 4, seed=5)
    problem = Problem(pool, 5)
    levels = prune_levels(problem, Rules((measure,), (0.1,) * 4, published=True))
    dropped: list[Team] = []
    for level in levels[1:]:
        every = list(combinations(range(8), level.size))
        scores = plain_scores(pool, every, measure, published=True)
        accuracy = dict(zip(every, problem.right(np.array(every)).tolist(), strict=True))
        base = [t for t in every if not any(set(d) <= set(t) for d in dropped)]
        order = sorted(sorted(base, key=lambda t: accuracy[t]), key=lambda t: scores[t])
        fell = order[: int(len(base) * 0.1)]
        dropped += fell
        assert as_set(level.teams[level.standing]) == set(base) - set(fell)


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 2**32), beta=st.floats(0, 0.9), size=st.integers(1, 5))
def test_no_superset_of_a_dropped_team_is_made(
    pool_of: MakePool, seed: int, beta: float, size: int
) -> None:
    problem = Problem(pool_of(7, 40, 3, seed=seed), size)
    dropped: set[Team] = set()
    for level in prune_levels(problem, Rules(("cohen_kappa",), (beta,) * (size - 1), beam=6)):
        made = as_set(level.teams)
        assert len(made) == len(level.teams)
        assert not any(set(d) < set(t) for d in dropped for t in made)
        by_measure = ~level.standing & ~level.fell("beam")
        assert by_measure.sum() == (int(len(made) * beta) if level.size > 1 else 0)
        dropped |= as_set(level.teams[by_measure])


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 2**32), members=st.integers(2, 8), data=st.data())
def test_grow_makes_exactly_the_teams_all_of_whose_subsets_stand(
    seed: int, members: int, data: st.DataObject
) -> None:
    size = data.draw(st.integers(1, members - 1))
    every = all_teams(members, size)
    stands = np.random.default_rng(seed).random(len(every)) < 0.8
    standing = as_set(every[stands])
    expected = {
        t for t in combinations(range(members), size + 1)
        if all(s in standing for s in combinations(t, size))
    }  # fmt: skip
    assert as_set(grow(every[stands], members)) == expected


@pytest.mark.parametrize(("members", "size"), [(9, 4), (20, 5), (70, 3)])
def test_ranks_number_the_teams_without_gaps(members: int, size: int) -> None:
    teams = all_teams(members, size)
    assert sorted(Ranks(members, size).of(teams).tolist()) == list(range(comb(members, size)))
    assert as_set(teams) == set(combinations(range(members), size))


def test_rank_weights_are_true_ranks() -> None:
    weights = rank_weights(np.array([[0, 1, 2, 3]]), np.array([5, 9, 5, 1]))
    np.testing.assert_allclose(weights * 10, [[2.5, 4, 2.5, 1]])


@given(scores=st.lists(st.integers(0, 4), min_size=1, max_size=12))
def test_a_standing_is_the_share_of_the_mean_rank(scores: list[int]) -> None:
    expected = (rankdata(scores) - 1) / max(len(scores) - 1, 1)
    np.testing.assert_allclose(rank_share(np.array(scores, float)), expected)


def test_a_wide_beam_is_exact_and_a_narrow_one_no_better(digits_pool: PoolPredictions) -> None:
    exact = HierarchicalSelection(size=5).fit_pool(digits_pool)
    wide = HierarchicalSelection(size=5, beam=10_000).fit_pool(digits_pool)
    narrow = HierarchicalSelection(size=5, beam=5).fit_pool(digits_pool)
    assert wide.team_ == exact.team_
    np.testing.assert_array_equal(wide.candidates_, exact.candidates_)
    assert narrow.levels_["trimmed"].sum() > 0


def open_level(problem: Problem, size: int) -> Level:
    """Return every team of a size, all standing, nothing counted."""
    teams = all_teams(problem.members, size)
    none = np.zeros(len(teams), np.int8)
    unknown = np.full(len(teams), UNKNOWN, np.int64)
    return Level(teams, unknown, np.zeros(len(teams)), ("", "budget", "beam"), none)


def test_a_beam_of_one_is_the_most_accurate_of_the_two_of_least_error() -> None:
    """True-class probabilities of four members whose squared error rises with their accuracy."""
    true = np.array([[1, 1, 0.49, 0.49], [0.6, 0.6, 0.6, 0.45], [0.52] * 4, [0, 0, 0, 0.6]])
    pool = PoolPredictions.of(np.stack([true, 1 - true], -1), [0] * 4)
    problem = Problem(pool, 2)
    level = open_level(problem, 1)
    assert problem.right(level.teams).tolist() == [2, 3, 4, 1]
    left = narrow(problem, level, level.teams, beam=1)
    assert left.teams[left.standing].tolist() == [[1]], "the third by error is not looked at"


@pytest.mark.parametrize("beam", [2, 5, 14, 27, 28, 40, 56])
def test_a_beam_keeps_the_most_accurate_of_twice_as_many_of_least_error(
    pool_of: MakePool, beam: int
) -> None:
    problem = Problem(pool_of(8, 40, 3, seed=2), 4)
    level = open_level(problem, 3)
    left = narrow(problem, level, level.teams, beam)
    right = problem.right(level.teams)
    voted = problem.pool.probabilities[level.teams].mean(1)
    error = ((voted - np.eye(3)[problem.pool.labels]) ** 2).sum((1, 2))
    shortlist = np.argsort(error)[: 2 * beam]
    best = np.sort(right[shortlist])[-beam:]
    np.testing.assert_array_equal(np.sort(right[left.standing]), best)
    if beam >= 28:
        np.testing.assert_array_equal(best, np.sort(right)[-beam:], "all 56 are on the list")


def test_each_level_says_how_many_teams_fell_by_what(pool_of: MakePool) -> None:
    """Six of 28 pairs are over the budget; of 22, two fall; a beam of 5 trims the other 15."""
    pool = pool_of(8, 60, 3)
    costs = PoolCosts.of(flops=[1, 1, 1, 1, 5, 5, 5, 5])
    hq = HierarchicalSelection(size=3, beam=5, budget=Budget(flops=9)).fit_pool(pool, costs)
    names = hq.levels_.dtype.names
    assert names == ("size", "made", "dropped", "over_budget", "trimmed", "standing")
    one, two, three = hq.levels_.tolist()
    assert one == (1, 8, 0, 0, 0, 8)
    assert two == (2, 28, 2, 6, 15, 5)
    assert three[1] == sum(three[2:]) and three[4] == 0


def test_no_pruning_leaves_every_team(pool_of: MakePool) -> None:
    hq = HierarchicalSelection(size=4, prune_fraction=0.0).fit_pool(pool_of(8, 60, 3))
    assert hq.levels_["standing"].tolist() == [8, 28, 56, 70]


def test_of_the_sizes_on_the_way_only_the_teams_that_fell_are_told(pool_of: MakePool) -> None:
    table = HierarchicalSelection(size=4).fit_pool(pool_of(8, 60, 3)).candidates_
    assert set(table["size"][table["fell_at"] == 0].tolist()) == {1, 4}
    assert set(table["size"].tolist()) == {1, 2, 3, 4}


def test_beta_is_halved_until_a_team_survives(pool_of: MakePool) -> None:
    hq = HierarchicalSelection(size=5, prune_fraction=0.4).fit_pool(pool_of(6, 60, 3))
    assert len(hq.team_) == 5
    assert hq.prune_fractions_[0] in (0.2, 0.1, 0.05, 0.025)


def test_beta_may_differ_from_size_to_size(pool_of: MakePool) -> None:
    hq = HierarchicalSelection(size=3, prune_fraction=(0.5, 0.0)).fit_pool(pool_of(8, 60, 3))
    assert hq.levels_["dropped"].tolist() == [0, 14, 0]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"prune_fraction": 1.0}, "prune fraction 1.0"),
        ({"prune_fraction": (0.1,)}, "2 of them"),
        ({"measures": ()}, "at least one"),
        ({"measures": ("entropy", "entropy")}, "each once"),
        ({"measures": ("entropi",)}, "did you mean 'entropy'"),
        ({"mode": "published"}, "one measure"),
        ({"beam": 0}, "beam 0"),
    ],
)
def test_bad_settings_are_one_line(pool_of: MakePool, options: dict[str, Any], said: str) -> None:
    with pytest.raises(RequestError, match=said) as caught:
        HierarchicalSelection(size=3, **options).fit_pool(pool_of(5, 30, 3))
    assert "\n" not in str(caught.value)
