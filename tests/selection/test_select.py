"""`select` on arrays made anywhere, methods as estimators, and values that hold arrays."""

from __future__ import annotations

import dataclasses
import importlib
import pkgutil
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import clone

import ensemble
import selection
from pruning.core.array_values import ArrayValue
from pruning.core.errors import RequestError
from selection.choosing import select, select_team
from selection.costs import Budget, PoolCosts
from selection.methods.hq import HierarchicalSelection
from selection.methods.method import METHODS, SelectionMethod
from selection.pool import PoolPredictions
from selection.search.accuracy import TeamAccuracy
from selection.voting import VOTES, Vote, vote

MakePool = Callable[..., PoolPredictions]
EVERY = pytest.mark.parametrize("method", METHODS.names())


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.longdouble, list])
def test_probabilities_of_any_precision_are_taken(pool_of: MakePool, dtype: Any) -> None:
    pool = pool_of(6, 200, 4)
    half = pool.probabilities.astype(np.float16)
    given = half.tolist() if dtype is list else half.astype(dtype)
    chosen = select(given, pool.labels.tolist(), size=3, method="hq", halvings=0)
    first = select(half, pool.labels, size=3, method="hq", halvings=0)
    assert chosen == first
    assert chosen.team == tuple(map(str, chosen.rows)) and len(chosen.rows) == 3


@pytest.mark.parametrize("dtype", [bool, np.uint8, np.int32, np.float32, np.float64])
def test_labels_are_whole_numbers_of_any_dtype(pool_of: MakePool, dtype: Any) -> None:
    pool = pool_of(5, 60, 2)
    chosen = select(pool.probabilities, pool.labels.astype(dtype), size=2, halvings=0)
    assert chosen == select(pool.probabilities, pool.labels, size=2, halvings=0)


def test_it_is_the_choice_the_pool_gives(pool_of: MakePool) -> None:
    pool = pool_of(7, 200, 4)
    by_array = select(pool.probabilities, pool.labels, size=3, method="soft", voting="plurality")
    by_pool = select_team(pool, "soft", 3, voting="plurality")
    assert tuple(pool.member_ids[row] for row in by_array.rows) == by_pool.team
    assert (by_array.accuracy, by_array.optimism) == (by_pool.accuracy, by_pool.optimism)


@pytest.mark.parametrize(
    "classes", [["ant", "bee", "cat", "dog"], [30, -4, 10**12, 7], np.array([2.5, 0, 1, 9])]
)
def test_labels_of_any_kind_are_read_by_the_classes(pool_of: MakePool, classes: Any) -> None:
    pool = pool_of(6, 100, 4)
    named = np.asarray(classes)[pool.labels]
    chosen = select(pool.probabilities, named, size=3, classes=classes, halvings=0)
    assert chosen == select(pool.probabilities, pool.labels, size=3, halvings=0)
    assert chosen == select(
        pool.probabilities, named.astype(object), size=3, classes=classes, halvings=0
    )


P, Y = np.full((3, 4, 2), 0.5), [0, 1, 0, 1]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (lambda: select([[[0.5, 0.5]], [[1.0]]], [0]), "no array"),
        (lambda: select(P[0], Y), r"shape \(4, 2\); expected numbers \(M, N, C\)"),
        (lambda: select(P.astype(str), Y), "expected numbers"),
        (lambda: select(P * 1j, Y), "complex128"),
        (lambda: select(np.full((3, 4, 2), None), Y), "object"),
        (lambda: select(P * 1e300, Y), "logits need a softmax"),
        (lambda: select(P * 2, Y), "sum to 2"),
        (lambda: select(P * np.nan, Y), "non-finite"),
        (lambda: select(P[:, :0], []), "labels|nothing"),
        (lambda: select(P, [0, 1, 0]), r"shape \(3,\)"),
        (lambda: select(P, [0, 1, 0, 2]), r"span 0\.\.2; allowed 0\.\.1"),
        (lambda: select(P, [0, 1, 0, 0.5]), "whole numbers"),
        (lambda: select(P, ["a", "b", "a", "c"]), "classes="),
        (lambda: select(P, ["a", "b", "a", "c"], classes=["a", "b"]), "'c' is none of classes"),
        (lambda: select(P, ["a"] * 4, classes=["a", "b", "c"]), "the 2 labels of the columns"),
        (lambda: select(P, ["a"] * 4, classes=["a", "a"]), "1 of them distinct"),
        (lambda: select(P, [["a"] * 4], classes=["a", "b"]), r"shape \(1, 4\)"),
        (lambda: select(P, Y, size=4), r"`size` 4; allowed 1\.\.3"),
        (lambda: select(P, Y, size=2, method="haq"), "did you mean 'hq'"),
        (lambda: select(P, Y, size=2, prune_fraktion=0.1), "no setting 'prune_fraktion'; known"),
        (lambda: select(P, Y, size=2, voting="meen"), "did you mean 'mean'"),
        (lambda: select(P, Y, size=2, costs=PoolCosts.of(flops=[1])), "flops of 1 members"),
        (lambda: HierarchicalSelection(size=2).fit(P[0], Y), r"expected numbers \(M, N, C\)"),
        (lambda: HierarchicalSelection(size=2).set_params(beem=3), "no setting 'beem'; known"),
        (lambda: select(np.zeros((3, 0, 2)), []), r"shape \(3, 0, 2\) hold nothing to choose from"),
        (lambda: select({"a": P[0], "b": P[1]}, Y), r"are a dict.*np\.stack"),  # type: ignore[arg-type]
        (lambda: select(P, [0, 1, 0, 2.0]), r"span 0\.\.2; .*classes=, the label of each column"),
        (lambda: select(P, [[0], [1, 0]]), r"labels are no array \(N,\)"),
        (lambda: select(P, Y, classes=[[0], [1, 0]]), r"classes are no array \(C,\)"),
        (lambda: select(P, [{}] * 4, classes=[0, 1]), "labels are no array"),
        (lambda: select(P, Y, size=2.0), r"`size` 2\.0; allowed is a whole number"),  # type: ignore[arg-type]
        (lambda: select(P, Y, size="2"), "`size` '2'; allowed is a whole number"),  # type: ignore[arg-type]
        (lambda: select(P, Y, size=True), "`size` True; allowed is a whole number"),
        (lambda: select(P, Y, size=2, method=HierarchicalSelection), "unknown selection method"),  # type: ignore[arg-type]
        (lambda: select(P, Y, size=2, budget=3), "`budget` 3; allowed is a Budget"),
        (lambda: select(P, Y, size=2, costs={"flops": [1]}), r"a dict; expected PoolCosts\.of"),  # type: ignore[arg-type]
        (lambda: select(P, Y, size=2, costs={}), r"a dict; expected PoolCosts\.of"),  # type: ignore[arg-type]
        (lambda: select(P, Y, size=2, seed="a"), "`seed` 'a'; allowed is a whole number"),
        (lambda: select(P, Y, size=2, seed=-1), "`seed` -1; allowed 0 and more"),
        (lambda: select(P, Y, size=2, thrifty="yes"), "`thrifty` 'yes'; allowed is True or False"),
        (lambda: select(P, Y, size=2, halvings=-1), "`halvings` -1; allowed"),
        (lambda: select(P, Y, size=2, halvings=2.5), r"`halvings` 2\.5; allowed"),  # type: ignore[arg-type]
        (lambda: select(P, Y, size=2, method="hq", beam=2.5), "a whole number or None"),
        (lambda: select(P, Y, size=2, method="hq", measures="entropy"), "allowed is a tuple"),
        (lambda: HierarchicalSelection(size=2).fit_pool(P), "expected PoolPredictions"),  # type: ignore[arg-type]
        (lambda: PoolPredictions.of(P, Y, names=3), "names 3; expected 3 texts"),  # type: ignore[arg-type]
        (lambda: PoolPredictions(P.tolist(), np.zeros(4, int), ("a",), "select"), "are a list"),  # type: ignore[arg-type]
        (lambda: PoolCosts.of(flop=[1]), "did you mean 'flops'"),
        (lambda: PoolCosts.of(flops="abc"), r"flops 'abc': expected numbers \(M,\)"),  # type: ignore[arg-type]
        (lambda: PoolCosts(flops=[1, 2]), r"flops \[1, 2\]: expected an array"),  # type: ignore[arg-type]
        (lambda: Budget(flops="3"), "max flops '3' must be a positive number"),  # type: ignore[arg-type]
    ],
)  # fmt: skip
def test_what_is_wrong_is_one_line(given: Callable[[], object], said: str) -> None:
    with pytest.raises(RequestError, match=said) as caught:
        given()
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("labels", [np.arange(1, 5), np.arange(1.0, 5.0), np.arange(4.0)])
def test_whole_labels_may_be_floats(pool_of: MakePool, labels: np.ndarray) -> None:
    pool = pool_of(5, 80, 4)
    chosen = select(pool.probabilities, labels[pool.labels], size=2, halvings=0)
    assert chosen == select(pool.probabilities, pool.labels, size=2, halvings=0)


def test_predicted_classes_may_be_booleans(pool_of: MakePool) -> None:
    pool = pool_of(5, 80, 4)
    named = np.eye(4)[pool.predictions]
    teams = {select(named.astype(kind), pool.labels, size=3).team for kind in (float, int, bool)}
    assert len(teams) == 1


def test_settings_are_taken_from_numpy_too(pool_of: MakePool) -> None:
    pool = pool_of(5, 80, 4)
    plain, numpy = (
        select(
            pool.probabilities, pool.labels, size=kind(3), method="hq", halvings=0, seed=kind(1),
            prune_fraction=np.float32(0.25), measures=["entropy"], thrifty=np.bool_(False),
        )
        for kind in (int, np.int64)
    )  # fmt: skip
    assert plain.team == numpy.team


@EVERY
def test_a_method_follows_the_conventions_of_estimators(pool_of: MakePool, method: str) -> None:
    pool = pool_of(6, 80, 3)
    made = METHODS[method](size=3, seed=5, budget=Budget(flops=9))
    fitted = made.fit(
        pool.probabilities.astype(float), pool.labels, PoolCosts.of(flops=np.arange(6))
    )
    copy = clone(fitted)
    assert fitted is made
    assert copy.get_params() == made.get_params() == made.get_params(deep=False)
    assert not [name for name in vars(copy) if name.endswith("_")]
    assert copy.set_params(size=2, voting="plurality") is copy and copy.size == 2
    again = clone(made).fit(pool.probabilities, pool.labels, PoolCosts.of(flops=np.arange(6)))
    assert again.team_ == made.team_
    np.testing.assert_array_equal(again.weights_, made.weights_)
    assert len({made, copy}) == 2 and made != copy


@EVERY
def test_a_method_keeps_its_settings_as_given(method: str) -> None:
    kind = METHODS[method]
    given = {name: object() for name in kind.parameters()}
    made = kind(**given)
    assert all(made.get_params()[name] is value for name, value in given.items())


class OwnMethod(SelectionMethod):
    """A method of one's own, with a signature of its own."""

    def __init__(self, size: int = 2, shift: int = 0) -> None:
        super().__init__(size=size)
        self.shift = shift

    search = METHODS["top"].search


def test_a_method_of_ones_own_is_an_estimator_too(pool_of: MakePool) -> None:
    pool = pool_of(4, 50, 3)
    own = clone(OwnMethod(size=3, shift=1)).fit(pool.probabilities, pool.labels)
    assert (own.size, own.shift, len(own.team_)) == (3, 1, 3)
    assert own.options() == {"shift": 1}


def near_ties(members: int, samples: int, classes: int, seed: int) -> PoolPredictions:
    """Return probabilities in eighths, then moved by a few units in the last place."""
    rng = np.random.default_rng(seed)
    p = rng.multinomial(8, np.full(classes, 1 / classes), (members, samples)) / 8
    moved = (p + rng.integers(0, 4, p.shape) * 2.0**-24).astype(np.float32)
    labels = rng.integers(0, classes, samples)
    return PoolPredictions.of(moved, labels)


@EVERY
@pytest.mark.parametrize("voting", VOTES.names())
def test_the_accuracy_is_that_of_its_candidates_row(
    pool_of: MakePool, method: str, voting: str
) -> None:
    for seed in range(3):
        for pool in (near_ties(7, 300, 3, seed), pool_of(7, 120, 3, seed=seed)):
            chosen = select_team(pool, method, 3, voting=voting, halvings=0)
            row = chosen.candidates[chosen.candidates["chosen"]]
            assert row["accuracy"].tolist() == [chosen.accuracy]
            for point in chosen.front:
                assert point.team != chosen.team or point.accuracy == chosen.accuracy


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32), voting=st.sampled_from(VOTES.names()), size=st.integers(1, 5))
def test_the_accuracy_is_the_votes_but_for_ties(seed: int, voting: str, size: int) -> None:
    pool = near_ties(6, 60, 3, seed)
    chosen = select_team(pool, "caruana", size, voting=voting, halvings=0, rounds=9)
    voted = vote(pool.probabilities[list(chosen.rows)], np.array(chosen.weights), voting)
    first, second = np.sort(voted, -1)[:, :-3:-1].T
    close = first - second < 1e-5
    right = voted.argmax(-1) == pool.labels
    assert abs(chosen.accuracy * 60 - right.sum()) <= close.sum() + 1e-9
    for share in chosen.members:
        rest = np.array([name != share.member for name in chosen.team])
        weights = np.array(chosen.weights)[rest]
        if size > 1 and weights.sum() > 0:
            left = vote(pool.probabilities[list(chosen.rows)][rest], weights, voting)
            first, second = np.sort(left, -1)[:, :-3:-1].T
            apart = (left.argmax(-1) == pool.labels).mean()
            lost = abs(share.loss_without - (chosen.accuracy - apart))
            assert lost <= (first - second < 1e-5).mean() + 1e-9


def test_equal_sums_are_ties_at_any_weights() -> None:
    """2 × ¼ + ¾ and 2 × ½ + ¼ are equal: the first class is named, as it is in fractions."""
    p = np.array([[[0.25, 0.5, 0.25]], [[0.75, 0.25, 0.0]]])
    for weights in ([2.0, 1.0], [2 / 3, 1 / 3], [0.2, 0.1]):
        for label, right in ((0, 1), (1, 0)):
            problem = METHODS["top"](size=2).problem(PoolPredictions.of(p, [label]))
            assert problem.team_accuracy.right_weighted((0, 1), np.array(weights)) == right


def test_ties_of_weights_that_no_float_holds_are_ties_too() -> None:
    """¼ + 7·⅜ + 2·⅜ and ½ + 7·⅜ + 2·¼ are equal; with tenths for weights their sums are not."""
    p = np.array([[[0.25, 0.5, 0.25]], [[0.375, 0.375, 0.25]], [[0.375, 0.25, 0.375]]])
    weights = np.array([1, 7, 2]) / 10
    summed = (p[:, 0] * weights[:, None]).sum(0)
    assert summed[0] == pytest.approx(summed[1])
    problem = METHODS["top"](size=3).problem(PoolPredictions.of(p, [0]))
    assert problem.team_accuracy.right_weighted((0, 1, 2), weights) == 1


@settings(max_examples=200, deadline=None)
@given(
    eighths=st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=3, max_size=3),
    tenths=st.tuples(*[st.integers(1, 9)] * 3),
)
def test_whatever_the_weights_a_tie_of_fractions_is_a_tie(
    eighths: list[tuple[int, int]], tenths: tuple[int, int, int]
) -> None:
    """The third class takes the rest; the first two tie where their whole numbers do."""
    first, second = (sum(w * e[k] for w, e in zip(tenths, eighths, strict=True)) for k in (0, 1))
    p = np.array([[[a, b, 8 - a - b]] for a, b in eighths]) / 8
    rest = sum(tenths) * 8 - first - second
    for label, votes in enumerate((first, second, rest)):
        others = [v for k, v in enumerate((first, second, rest)) if k != label]
        earlier = (first, second, rest)[:label]
        right = votes >= max(others) and all(votes > v for v in earlier)
        problem = METHODS["top"](size=3).problem(PoolPredictions.of(p, [label]))
        counted = problem.team_accuracy.right_weighted((0, 1, 2), np.array(tenths) / 10)
        assert counted == right


def test_weights_of_a_vote_that_does_not_add_are_its_own(pool_of: MakePool) -> None:
    """All the weight on one member: the team answers as that member does."""

    class OwnVote(Vote):
        """The mean, of which nothing is told beforehand."""

        def scores(self, probabilities: Any, labels: Any, size: int) -> None:
            """Return None."""

    pool = pool_of(4, 80, 3)
    accuracy = TeamAccuracy(pool, "majority", 3)
    accuracy.vote = OwnVote()
    alone = (pool.predictions[2] == pool.labels).sum()
    assert accuracy.right_weighted((0, 2, 3), np.array([0.0, 5.0, 0.0])) == alone


def array_holders() -> Iterator[type]:
    """Yield every dataclass of both packages whose fields hold arrays."""
    for package in (selection, ensemble):
        for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            for value in vars(importlib.import_module(found.name)).values():
                if isinstance(value, type) and dataclasses.is_dataclass(value):
                    kinds = [str(field.type) for field in dataclasses.fields(value)]
                    if any("NDArray" in k or "Samples" in k or "Classes" in k for k in kinds):
                        yield value


def test_no_value_that_holds_arrays_is_compared_by_its_arrays_truth() -> None:
    found = set(array_holders())
    assert PoolPredictions in found and len(found) > 10
    bad = [kind for kind in found if kind.__dataclass_params__.eq]
    assert not bad, f"give eq=False, and ArrayValue where equality matters: {bad}"
    assert all(isinstance(hash(kind), int) for kind in found)


def test_values_that_hold_arrays_are_equal_by_value(pool_of: MakePool) -> None:
    def made(seed: int) -> list[object]:
        pool = pool_of(5, 40, 3, seed=seed)
        costs = PoolCosts.of(flops=np.arange(5) + seed)
        return [pool, costs, select_team(pool, "hq", 2, costs=costs, halvings=0)]

    for one, same, other in zip(made(0), made(0), made(1), strict=True):
        assert isinstance(one, ArrayValue)
        assert one == same and hash(one) == hash(same) and len({one, same}) == 1
        assert one != other and one != "another kind"
    holes = select_team(pool_of(5, 40, 3), "top", 1, halvings=0)
    assert np.isnan(holes.candidates["cohen_kappa"]).any()
    assert holes == select_team(pool_of(5, 40, 3), "top", 1, halvings=0)


def test_what_a_team_fell_by_is_named_in_full(pool_of: MakePool) -> None:
    """A measure of one's own may have a longer name than any built in."""
    pool = pool_of(6, 60, 3)
    name = "selection.measures.disagreement:Disagreement"
    chosen = select_team(pool, "hq", 3, measures=(name,), prune_fraction=0.4, halvings=0)
    assert set(chosen.candidates["fell_by"].tolist()) == {"", name}
