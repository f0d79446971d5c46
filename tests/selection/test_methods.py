"""Every selection method keeps the contract, in the ugly corners too."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable
from itertools import combinations

import numpy as np
import pytest
from selection_support import pool_from

from pruning.core.errors import RequestError
from selection.choosing import full_teams, select_team
from selection.costs import Budget, PoolCosts
from selection.facts import FullTeams
from selection.methods.method import METHODS
from selection.pool import PoolPredictions
from selection.search.problem import Problem
from selection.team import Selection
from selection.voting import VOTES, vote

MakePool = Callable[..., PoolPredictions]
EVERY = pytest.mark.parametrize("method", METHODS.names())


@EVERY
@pytest.mark.parametrize("size", [1, 3, 8])
def test_a_method_chooses_size_different_members(pool_of: MakePool, method: str, size: int) -> None:
    pool = pool_of(8, 200, 4)
    chosen = select_team(pool, method, size, halvings=0)
    assert len(set(chosen.team)) == size
    assert [n for n in pool.member_ids if n in chosen.team] == list(chosen.team)
    assert sum(chosen.weights) == pytest.approx(1)
    table = chosen.candidates
    assert table["chosen"].tolist() == [True] + [False] * (len(table) - 1)
    assert table["accuracy"][0] == pytest.approx(chosen.accuracy, abs=1e-12)
    assert np.isfinite(table["accuracy"]).all()


@EVERY
def test_a_method_refuses_the_test_split(pool_of: MakePool, method: str) -> None:
    pool = pool_of(4, 50, 3)
    hidden = PoolPredictions(pool.probabilities, pool.labels, pool.member_ids, "test")
    with pytest.raises(RequestError, match="'test'"):
        select_team(hidden, method, 2)


@EVERY
@pytest.mark.parametrize("size", [0, 5])
def test_a_method_refuses_a_size_beyond_the_pool(pool_of: MakePool, method: str, size: int) -> None:
    with pytest.raises(RequestError, match=rf"`size` {size}; allowed 1\.\.4"):
        select_team(pool_of(4, 50, 3), method, size)


@EVERY
@pytest.mark.parametrize("voting", VOTES.names())
def test_a_method_takes_every_vote(pool_of: MakePool, method: str, voting: str) -> None:
    pool = pool_of(6, 120, 3)
    chosen = select_team(pool, method, 3, voting=voting, halvings=0)
    rows = [pool.member_ids.index(name) for name in chosen.team]
    voted = vote(pool.probabilities[rows], np.array(chosen.weights), voting).argmax(-1)
    assert chosen.accuracy == (voted == pool.labels).mean()


@EVERY
@pytest.mark.parametrize(
    ("predictions", "labels", "classes"),
    [
        pytest.param([[0, 1, 0, 1]] * 4, [0, 1, 0, 1], 2, id="never wrong, all alike"),
        pytest.param([[1, 0, 1, 0]] * 4, [0, 1, 0, 1], 2, id="always wrong"),
        pytest.param([[0, 0, 0]] * 4, [0, 0, 0], 1, id="one class"),
        pytest.param([[0]] * 4, [1], 2, id="one sample"),
        pytest.param([[0, 1, 1], [0, 1, 0], [0, 0, 1], [1, 1, 1]], [0, 1, 1], 2,
                     id="one never wrong"),
    ],
)  # fmt: skip
def test_a_degenerate_pool_still_has_an_answer(
    method: str, predictions: list[list[int]], labels: list[int], classes: int
) -> None:
    pool = pool_from(predictions, labels, classes)
    chosen = select_team(pool, method, 3, halvings=0)
    assert len(chosen.team) == 3
    assert np.isfinite(chosen.candidates["diversity"]).all()


@EVERY
def test_a_method_stays_within_the_budget(pool_of: MakePool, method: str) -> None:
    pool = pool_of(7, 150, 3)
    costs = PoolCosts.of(flops=[1, 2, 3, 4, 5, 6, 7], bytes=[7, 6, 5, 4, 3, 2, 1])
    chosen = select_team(pool, method, 4, costs=costs, budget=Budget(flops=9, bytes=14), halvings=0)
    rows = np.array([[pool.member_ids.index(name) for name in chosen.team]])
    assert 1 <= rows.size <= 4
    assert costs.total("flops", rows)[0] <= 9
    assert costs.total("bytes", rows)[0] <= 14


@EVERY
@pytest.mark.parametrize("size", [1, 3, 5])
def test_a_budget_that_no_team_exceeds_changes_nothing(
    pool_of: MakePool, method: str, size: int
) -> None:
    pool = pool_of(7, 150, 3)
    costs = PoolCosts.of(flops=[7, 1, 3, 2, 6, 4, 5], latency=np.arange(1, 8) / 10)
    assert costs.flops is not None and costs.latency is not None
    dearest = {kind: float(np.sort(values)[-size:].sum()) for kind, values in costs}
    free, limited = (
        select_team(pool, method, size, costs=costs, budget=budget, halvings=1)
        for budget in (Budget(), Budget(**dearest))
    )
    assert free == limited
    assert free.to_json() == limited.to_json()


@EVERY
def test_a_budget_that_leaves_one_team_of_the_size_out_is_one(
    pool_of: MakePool, method: str
) -> None:
    pool, costs = pool_of(7, 150, 3), PoolCosts.of(flops=[7, 1, 3, 2, 6, 4, 5])
    chosen = select_team(pool, method, 3, costs=costs, budget=Budget(flops=17), halvings=0)
    assert chosen.full == FullTeams(teams=35, fitting=34)
    assert Selection.from_json(chosen.to_json(), chosen.candidates) == chosen


@pytest.mark.parametrize("method", ["soft", "exhaustive", "greedy", "top", "backward", "hq"])
def test_teams_over_the_budget_are_counted(pool_of: MakePool, method: str) -> None:
    """Three members cost at least 12."""
    pool, costs = pool_of(6, 150, 3), PoolCosts.of(flops=[3, 4, 5, 6, 7, 8])
    chosen = select_team(pool, method, 3, costs=costs, budget=Budget(flops=11), halvings=0)
    assert chosen.full == FullTeams(teams=20, fitting=0)
    assert sum(level.over_budget for level in chosen.levels) > 0
    assert not any(level.standing for level in chosen.levels if level.size == 3)
    fell = chosen.candidates[chosen.candidates["fell_by"] == "budget"]
    assert (fell["flops"] > 11).all() and len(fell)


def test_too_many_teams_are_not_counted_but_none_is_known(pool_of: MakePool) -> None:
    pool, costs = pool_of(40, 20, 3), PoolCosts.of(flops=np.arange(1, 41))
    told = [
        full_teams(Problem(pool, 6, costs=costs, budget=Budget(flops=most)))
        for most in (20, 21, 225)
    ]
    assert told == [FullTeams(3_838_380, 0), FullTeams(3_838_380, None), None]


@EVERY
def test_the_same_request_gives_the_same_bytes(pool_of: MakePool, method: str) -> None:
    pool = pool_of(7, 100, 3)
    first, second = (select_team(pool, method, 3, halvings=1, seed=4) for _ in range(2))
    assert json.dumps(first.to_json()) == json.dumps(second.to_json())
    assert first.candidates.tobytes() == second.candidates.tobytes()


def test_exhaustive_with_a_budget_is_the_best_of_all_that_fit(pool_of: MakePool) -> None:
    pool = pool_of(7, 150, 3)
    costs = PoolCosts.of(flops=[1, 2, 3, 4, 5, 6, 7])
    chosen = select_team(pool, "exhaustive", 3, costs=costs, budget=Budget(flops=10), halvings=0)
    problem = Problem(pool, 3, costs=costs, budget=Budget(flops=10))
    best = 0
    for size in (1, 2, 3):
        rows = np.array(list(combinations(range(7), size)))
        rows = rows[problem.budget.fits(costs, rows)]
        best = max(best, int(problem.right(rows).max()))
    assert round(chosen.accuracy * 150) == best


def test_the_front_rises_and_holds_the_best(pool_of: MakePool) -> None:
    pool = pool_of(7, 150, 3)
    chosen = select_team(pool, "hq", 3, costs=PoolCosts.of(flops=np.arange(1, 8)), halvings=0)
    cost, accuracy = ([getattr(p, k) for p in chosen.front] for k in ("cost", "accuracy"))
    assert cost == sorted(set(cost))
    assert accuracy == sorted(set(accuracy))
    assert accuracy[-1] >= chosen.accuracy
    assert len(chosen.front[0].team) == 1


@pytest.mark.parametrize(
    ("costs", "budget", "said"),
    [
        (None, Budget(flops=1), "needs the members' flops"),
        (PoolCosts.of(flops=[5, 6, 7, 8]), Budget(flops=1), "no member fits within max flops 1"),
        (
            PoolCosts.of(flops=[5, 6, 7, 8]),
            Budget(flops=0.5),
            r"0\.5 \(limits are absolute numbers, not shares\); ask for .* needs, flops 5$",
        ),
        (PoolCosts.of(flops=[5, 6, 7, 8]), Budget(flops=2), "the cheapest needs, flops 5$"),
        (PoolCosts.of(latency=[0.5] * 4), Budget(latency=0.1), "needs, latency 500 ms$"),
        (PoolCosts.of(flops=[5, 6]), Budget(), "flops of 2 members; the pool has 4"),
    ],
)
def test_a_budget_nothing_fits_is_one_line(
    pool_of: MakePool, costs: PoolCosts | None, budget: Budget, said: str
) -> None:
    with pytest.raises(RequestError, match=said):
        select_team(pool_of(4, 50, 3), "hq", 2, costs=costs, budget=budget)


def test_what_the_team_loses_without_a_member(pool_of: MakePool) -> None:
    pool = pool_of(6, 200, 4)
    chosen = select_team(pool, "hq", 3, halvings=0)
    for share in chosen.members:
        rest = [pool.member_ids.index(n) for n in chosen.team if n != share.member]
        without = (vote(pool.probabilities[rest]).argmax(-1) == pool.labels).mean()
        assert share.loss_without == pytest.approx(chosen.accuracy - without)


def test_a_selection_survives_json(pool_of: MakePool) -> None:
    pool = pool_of(6, 100, 3)
    chosen = select_team(pool, "hq", 3, costs=PoolCosts.of(flops=np.arange(6)), halvings=2)
    again = Selection.from_json(json.loads(json.dumps(chosen.to_json())), chosen.candidates)
    assert again == chosen
    assert again.optimism == chosen.optimism
    assert again.front == chosen.front


def test_settings_of_numpys_kinds_survive_json(pool_of: MakePool) -> None:
    asked = {"prune_fraction": np.float32(0.5), "measures": ("disagreement",)}
    chosen = select_team(
        pool_of(6, 100, 3), "hq", 3, costs=PoolCosts.of(flops=np.arange(6)), halvings=0,
        thrifty=np.bool_(True), **asked,
    )  # fmt: skip
    told = json.loads(json.dumps(chosen.to_json()))["options"]
    assert (told["prune_fraction"], told["thrifty"]) == (0.5, True)
    assert told["measures"] == ["disagreement"]


def test_an_exhaustive_search_out_of_reach_says_so(pool_of: MakePool) -> None:
    with pytest.raises(RequestError, match="would look at"):
        select_team(pool_of(60, 10, 2), "exhaustive", 8)


@pytest.mark.parametrize("method", ["hq", "soft", "greedy", "exhaustive", "backward", "kappa"])
def test_the_order_of_the_pool_does_not_matter(pool_of: MakePool, method: str) -> None:
    pool = pool_of(8, 400, 4, seed=11)
    order = np.random.default_rng(2).permutation(8)
    names = tuple(pool.member_ids[row] for row in order)
    turned = PoolPredictions(pool.probabilities[order], pool.labels, names, "select")
    teams = [set(select_team(p, method, 3, halvings=0).team) for p in (pool, turned)]
    assert teams[0] == teams[1]


@EVERY
def test_the_names_of_the_classes_do_not_matter(pool_of: MakePool, method: str) -> None:
    pool = pool_of(8, 300, 4, seed=12)
    order = np.random.default_rng(3).permutation(4)
    renamed = PoolPredictions(
        np.ascontiguousarray(pool.probabilities[:, :, order]),
        np.argsort(order)[pool.labels], pool.member_ids, "select",
    )  # fmt: skip
    teams = [select_team(p, method, 3, halvings=0).team for p in (pool, renamed)]
    assert teams[0] == teams[1]


def wrong_on(*samples: set[int]) -> PoolPredictions:
    """Return members each wrong on these samples of eight; a pair errs where both do."""
    return pool_from([[int(n in own) for n in range(8)] for own in samples], [0] * 8, 2)


def test_teams_of_equal_accuracy_go_by_diversity_then_cost_then_order() -> None:
    """Of two sure members that differ the first class is named, which is right."""
    exhaustive = METHODS["exhaustive"](size=2)
    differ = wrong_on({0, 1}, {2}, {3, 4})
    costs = PoolCosts.of(flops=[9.0, 1.0, 9.0])
    assert exhaustive.fit_pool(differ, costs).team_ == (0, 2), "they differ on four samples"
    alike = wrong_on({0}, {1}, {2})
    assert exhaustive.fit_pool(alike, PoolCosts.of(flops=[1.0, 2.0, 1.0])).team_ == (0, 2)
    assert exhaustive.fit_pool(alike).team_ == (0, 1)
    crossed = wrong_on({0, 1}, {0, 2}, {1, 3}, {2, 3})
    assert exhaustive.fit_pool(crossed).team_ == (0, 3), "before (1, 2); the others share an error"


def test_kappa_takes_the_pair_that_agrees_least() -> None:
    """Over eight samples the last two name each other's opposite; the first two are one."""
    pool = pool_from([[0] * 8, [0] * 8, [0, 1] * 4, [1, 0] * 4], [0] * 8, 2)
    assert METHODS["kappa"](size=2).fit_pool(pool).team_ == (2, 3)


@EVERY
def test_settings_are_given_by_name(method: str) -> None:
    kinds = {p.kind for p in inspect.signature(METHODS[method]).parameters.values()}
    assert kinds == {inspect.Parameter.KEYWORD_ONLY}


def test_few_negatives_are_fewer_than_thirty() -> None:
    wrong = [[1] * n + [0] * (60 - n) for n in (31, 30, 29)]
    table = METHODS["hq"](size=1).fit_pool(pool_from(wrong, [0] * 60, 2)).candidates_
    told = dict(
        zip(table["fewest_negatives"].tolist(), table["few_negatives"].tolist(), strict=True)
    )
    assert told == {31: False, 30: False, 29: True}


def test_more_draws_leave_the_random_team_as_it_is(pool_of: MakePool) -> None:
    pool = pool_of(9, 60, 3)
    teams = {METHODS["random"](size=4, draws=n, seed=3).fit_pool(pool).team_ for n in (1, 2, 50)}
    assert len(teams) == 1


def test_random_says_what_chance_gives(pool_of: MakePool) -> None:
    """Of single members: the draws' mean is near the members' own, within four errors."""
    pool = pool_of(6, 300, 3)
    alone = (pool.predictions == pool.labels).mean(1)
    method = METHODS["random"](size=1, draws=500).fit_pool(pool)
    assert method.mean_ == pytest.approx(alone.mean(), abs=4 * alone.std() / 500**0.5)
    assert method.spread_ == pytest.approx(alone.std(), rel=0.2)
    whole = METHODS["random"](size=6, draws=5).fit_pool(pool)
    assert whole.spread_ == pytest.approx(0, abs=1e-12), "there is one team of all"
