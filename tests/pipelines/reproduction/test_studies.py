"""Studies of pools: what is measured on teams whose answers are known by hand."""

import numpy as np
import pytest
from numpy.typing import NDArray

from pipelines.reproduction.budget import Budget
from pipelines.reproduction.diversity_study import RULES, TEAMS, DiversityStudy, ranked
from pipelines.reproduction.hq_study import CHOOSERS, HqStudy
from pipelines.reproduction.pools import TrainedPool, best_of_every_size, trained_pool
from pipelines.reproduction.pruned_study import LEVELS, PrunedPoolsStudy, judged
from pipelines.reproduction.running import Source
from selection.pool import PoolPredictions


def pool_of(right: NDArray[np.bool_], split: str) -> PoolPredictions:
    """Members that name the right one of two classes where `right` (M, N) says so, for certain."""
    labels = np.arange(right.shape[1]) % 2
    named = np.where(right, labels, 1 - labels)
    probabilities = np.eye(2, dtype=np.float32)[named]
    return PoolPredictions(probabilities, labels, tuple(map(str, range(len(right)))), split)


def random_pool(members: int, seed: int = 0) -> TrainedPool:
    rng = np.random.default_rng(seed)
    skill = np.linspace(0.6, 0.9, members)[:, None]
    select, test = (rng.random((members, 400)) < skill for _ in range(2))
    return TrainedPool(pool_of(select, "select"), pool_of(test, "test"))


def test_a_teams_accuracy_is_its_members_majority_of_certain_votes() -> None:
    right = np.array([[1, 1, 0, 0], [1, 0, 1, 0], [1, 1, 1, 0]], bool)
    pool = TrainedPool(pool_of(right, "select"), pool_of(right, "test"))

    assert pool.accuracy([[0, 1, 2]]).tolist() == [0.75]
    assert pool.accuracy([[0], [1], [2]]).tolist() == [0.5, 0.5, 0.75]


def test_the_gains_of_rules_are_those_of_the_best_tenth_of_the_teams_drawn() -> None:
    pool, rng = random_pool(12), np.random.default_rng(7)
    found = ranked(pool, np.random.default_rng(7))

    teams = np.array([np.sort(rng.choice(12, 5, replace=False)) for _ in range(TEAMS)])
    test = np.array([pool.accuracy([team])[0] for team in teams])
    single = [(p.argmax(-1) == pool.select.labels).mean() for p in pool.select.probabilities]
    means = np.array([np.mean([single[m] for m in team]) for team in teams])
    best = np.argsort(-means, kind="stable")[:15]
    assert found["members"] == pytest.approx(test[best].mean() - test.mean())
    assert found["team accuracy"] == pytest.approx(test.mean())
    # Skill differs from member to member here, so that choosing by it pays.
    assert found["members"] > 0
    assert -1 <= found["partial correlation"] <= 1


def test_the_tables_say_which_rule_gains_and_how_sure_that_is() -> None:
    study = DiversityStudy("mlp", "a title", "mnist", 100, 12, archs=("a", "b"))
    rows = [
        {"seed": s, **{arch: ranked(random_pool(12, s), np.random.default_rng(s)) for arch in "ab"}}
        for s in range(6)
    ]
    gains, partial = study.tables(rows)

    assert [row[0].text for row in gains.rows] == ["a", "b"]
    assert len(gains.headings) == 3 + len(RULES)
    assert "not significant" not in gains.rows[0][4].text  # by the members' accuracy
    assert len(partial.rows) == 2
    assert study.finding(rows).startswith("choosing for diversity gains ")


def test_pools_of_a_seed_are_the_same_and_of_another_are_not() -> None:
    splits = Source().splits("mnist", Budget(quick=True))
    first, again = (trained_pool("mlp-a:6-6", 3, 1, splits, 200, "cpu") for _ in range(2))
    other = trained_pool("mlp-a:6-6", 3, 2, splits, 200, "cpu")

    assert np.array_equal(first.test.probabilities, again.test.probabilities)
    assert not np.array_equal(first.test.probabilities, other.test.probabilities)
    assert len(first.select.labels) == splits.sizes["select"]


def test_each_method_chooses_of_every_size_and_is_judged_on_the_test_part() -> None:
    splits = Source().splits("mnist", Budget(quick=True))
    study = HqStudy("mlp", "a title", "mnist", 200, 5, arch="mlp-a:6-6")
    rows = list(study.rows(range(4), splits, "cpu"))

    for row in rows:
        assert all(2 <= row[f"{name} size"] <= 4 for name in CHOOSERS)
        assert all(0 <= row[name] <= 1 for name in (*CHOOSERS, "all", "best single"))
    (table,) = study.tables(rows)
    names = [row[0].text for row in table.rows]
    assert names == ["best single", *CHOOSERS, "random, as many as hq"]
    assert "hq " in study.finding(rows)
    apart = [100 * (row["hq"] - row["all"]) for row in rows]
    assert float(table.rows[1][3].text.replace("\u2212", "-")) == pytest.approx(
        np.mean(apart), abs=0.011
    )


def test_what_hq_gains_is_its_choices_accuracy_on_what_did_not_choose() -> None:
    pool = random_pool(5)
    found = judged(pool, seed=0)
    team = best_of_every_size("hq", pool, 0)

    assert 2 <= len(team) == found["hq size"] < 5
    assert found["hq"] == pool.accuracy([team])[0]
    assert found["all"] == pool.accuracy([range(5)])[0]


def test_pruned_pools_are_one_network_per_architecture_after_each_of_their_rounds() -> None:
    splits = Source().splits("mnist", Budget(quick=True))
    archs = ("mlp-a:5-5", "mlp-a:10-10", "mlp-a:20-20")
    study = PrunedPoolsStudy(
        "mlp", "a title", "mnist", 200, 3, archs=archs, copies=2, epochs=1, metrics=("maximum",)
    )
    pools = study._pruned("maximum", splits, 1, "cpu")

    assert list(pools) == list(LEVELS)
    for level, rounds in {0: 0, 1: 1, 3: 3}.items():
        first, second = pools[level]
        assert len(first) == len(second) == len(archs)
        for network, whole in zip(first, (10, 20, 40), strict=True):
            left = whole
            for _ in range(rounds):
                left -= max(1, int(0.2 * left))
            assert network.fc1.out_features + network.fc2.out_features == left
    one, other = (next(p[0].parameters()) for p in pools[0])
    assert one.shape == other.shape and not one.equal(other)


def test_a_gain_is_called_real_where_it_is_in_every_row() -> None:
    study = PrunedPoolsStudy(
        "mlp", "a title", "mnist", 200, 3, archs=("a",), metrics=("minimum", "maximum")
    )
    rng = np.random.default_rng(0)
    rows = [
        {
            "seed": s,
            **{
                metric: {
                    level: {"all": 0.9, "hq": 0.9 + gain + 1e-4 * rng.random(), "hq size": 3.0}
                    for level, gain in zip(LEVELS.values(), gains, strict=True)
                }
                for metric, gains in {"minimum": (0, 0.01, 0.02), "maximum": (0, -0.01, 0)}.items()
            },
        }
        for s in range(8)
    ]
    (table,) = study.tables(rows)

    said = [[cell.text for cell in row] for row in table.rows]
    assert [row[:2] for row in said][:4] == [*(["minimum", level] for level in LEVELS.values()),
                                             ["maximum", "unpruned"]]  # fmt: skip
    assert said[1][4].startswith("+1.0") and said[1][6] == "−0.97"
    finding = study.finding(rows)
    assert "half pruned +1.0" in finding
    assert finding.endswith("and 1 lose significantly")
