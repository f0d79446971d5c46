"""Predictions made elsewhere: read, or refused in one line."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from pruning.core.errors import RequestError
from selection.choosing import select_team
from selection.costs import PoolCosts, pareto_front
from selection.exchange import (
    candidates_from_csv,
    candidates_to_csv,
    predictions_to_npz,
    read_predictions,
)
from selection.given import read_given, read_test
from selection.pool import PoolPredictions

MakePool = Callable[..., PoolPredictions]
P = np.full((3, 4, 2), 0.5)
LABELS = np.array([0, 1, 0, 1])


def test_predictions_are_read_with_names_and_costs(tmp_path: Path) -> None:
    np.savez(tmp_path / "p.npz", probabilities=P, labels=LABELS.astype(np.uint8),
             names=np.array(["a", "b", "c"]), costs=[1, 2, 3], bytes=[4, 5, 6])  # fmt: skip
    pool, costs = read_predictions(tmp_path / "p.npz")
    assert pool.member_ids == ("a", "b", "c")
    assert pool.split == "select"
    assert costs is not None
    assert [kind for kind, _ in costs] == ["flops", "bytes"]


def test_names_and_costs_may_be_left_out(tmp_path: Path) -> None:
    np.savez(tmp_path / "p.npz", probabilities=P, labels=LABELS)
    pool, costs = read_predictions(tmp_path / "p.npz")
    assert pool.member_ids == ("0", "1", "2")
    assert costs is None


def test_a_pool_survives_its_file_and_equal_pools_are_equal_bytes(
    pool_of: MakePool, tmp_path: Path
) -> None:
    pool = pool_of(4, 30, 3)
    content = predictions_to_npz(pool)
    (tmp_path / "p.npz").write_bytes(content)
    assert read_predictions(tmp_path / "p.npz") == (pool, None)
    assert predictions_to_npz(pool_of(4, 30, 3)) == content
    assert predictions_to_npz(pool_of(4, 30, 3, seed=1)) != content


def spoilt(index: tuple[int, ...], value: float) -> NDArray[np.float64]:
    p = P.copy()
    p[index] = value
    return p


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"probabilities": spoilt((0, 0, 0), -0.5)}, "negative or non-finite"),
        ({"probabilities": spoilt((0, 0, 0), np.nan)}, "negative or non-finite"),
        ({"probabilities": spoilt((0, 0, 0), np.inf)}, "negative or non-finite"),
        ({"probabilities": spoilt((0, 0, 0), 1e300)}, "negative or non-finite"),
        ({"probabilities": spoilt((0, 0, 0), 0.7)}, "sum to 1"),
        ({"probabilities": P[0]}, r"expected numbers \(M, N, C\)"),
        ({"probabilities": P[:, :0]}, "shape|nothing"),
        ({"probabilities": P.astype(str)}, "expected numbers"),
        ({"labels": LABELS * 2 + [0, 0, 1, 1]}, r"allowed 0\.\.1"),
        ({"labels": LABELS * 0 - 1}, r"labels span -1\.\.-1"),
        ({"labels": LABELS[:3]}, r"expected int64 of shape \(4,\)"),
        ({"labels": LABELS + 0.5}, "whole numbers"),
        ({"names": np.array(["a", "b", "a"])}, "distinct names"),
        ({"names": np.array(["a", "b"])}, "distinct names"),
        ({"costs": np.array([1.0, 2.0])}, "flops of 2 members; the pool has 3"),
        ({"costs": np.array([1.0, 2.0, -1.0])}, "finite numbers"),
        ({"costs": np.array([1.0, 2.0, np.nan])}, "finite numbers"),
        ({"labels": np.array([{}, 1, 2, 3], object)}, "Python objects"),
    ],
)
def test_what_is_wrong_is_one_line(tmp_path: Path, changed: dict[str, Any], said: str) -> None:
    np.savez(tmp_path / "p.npz", **{"probabilities": P, "labels": LABELS, **changed})
    with pytest.raises(RequestError, match=said) as caught:
        read_predictions(tmp_path / "p.npz")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "labels",
    [LABELS, LABELS + 1, LABELS * 2 - 1, np.array(["no", "yes"])[LABELS], LABELS[:, None],
     LABELS.astype(float), LABELS.astype(bool), np.array([b"a", b"b"])[LABELS]],
)  # fmt: skip
def test_labels_of_every_kind_are_the_same_columns(tmp_path: Path, labels: Any) -> None:
    np.savez(tmp_path / "p.npz", probabilities=P, labels=labels)
    assert read_predictions(tmp_path / "p.npz")[0].labels.tolist() == LABELS.tolist()
    np.savez(tmp_path / "p.npz", probabilities=P, labels=["b", "a", "a", "b"], classes=["b", "a"])
    assert read_predictions(tmp_path / "p.npz")[0].labels.tolist() == [0, 1, 1, 0]


def test_advice_that_is_followed_is_right() -> None:
    """Each form of probabilities that people have, and what its refusal says to do with it."""
    rng = np.random.default_rng(0)
    logits = rng.normal(size=(3, 50, 2))
    p = np.exp(logits) / np.exp(logits).sum(-1, keepdims=True)
    y = rng.integers(0, 2, 50)
    softmax = lambda z: np.exp(z) / np.exp(z).sum(-1, keepdims=True)  # noqa: E731
    cases: list[tuple[Any, str, Any, float]] = [
        (logits, "softmax first", softmax, 1e-6),
        (p * 100, "divided by 100", lambda x: x / 100, 1e-6),
        ((p - 0.004).clip(0), r"p / p\.sum", lambda x: x / x.sum(-1, keepdims=True), 0.02),
        (p[..., 1], r"np\.stack\(\[1 - p, p\], -1\)", lambda x: np.stack([1 - x, x], -1), 1e-6),
        (p[..., 1:], r"np\.concatenate", lambda x: np.concatenate([1 - x, x], -1), 1e-6),
        (p.transpose(1, 0, 2), r"p\.transpose\(1, 0, 2\)", lambda x: x.transpose(1, 0, 2), 1e-6),
    ]
    for given, said, follow, close in cases:
        with pytest.raises(RequestError, match=said):
            PoolPredictions.of(given, y)
        found = PoolPredictions.of(follow(given), y)
        np.testing.assert_allclose(found.probabilities, p, atol=close)
    with pytest.raises(RequestError, match=r"np\.eye\(C\)\[p\]"):
        PoolPredictions.of(p.argmax(-1), y)
    assert (PoolPredictions.of(np.eye(2)[p.argmax(-1)], y).predictions == p.argmax(-1)).all()


def test_a_file_that_is_none_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "text.npz").write_text("hello")
    np.save(tmp_path / "one.npy", LABELS)
    np.savez(tmp_path / "bare.npz", probabilities=P)
    for name, said in [
        ("no.npz", "no file"), ("text.npz", "not|objects"), ("one.npy", "single array"),
        ("bare.npz", "no 'labels'"),
    ]:  # fmt: skip
        with pytest.raises(RequestError, match=said):
            read_predictions(tmp_path / name)


def test_candidates_survive_csv(pool_of: MakePool) -> None:
    chosen = select_team(
        pool_of(6, 80, 3), "hq", 3, costs=PoolCosts.of(flops=np.arange(6)), halvings=0
    )
    text = candidates_to_csv(chosen.candidates)
    again = candidates_from_csv(text)
    assert candidates_to_csv(again) == text
    for name in chosen.candidates.dtype.names or ():
        np.testing.assert_array_equal(again[name], chosen.candidates[name])


def test_duplicate_members_are_no_diversity(pool_of: MakePool) -> None:
    pool = pool_of(4, 200, 3)
    twice = np.concatenate([pool.probabilities, pool.probabilities])
    doubled = PoolPredictions(twice, pool.labels, tuple(map(str, range(8))), "select")
    pairs = select_team(doubled, "hq", 2, prune_fraction=0.14, halvings=0).candidates
    fell = set(pairs["team"][pairs["fell_at"] == 2].tolist())
    assert len(fell) == 3, "0.14 of 28 pairs"
    assert fell < {"0 4", "1 5", "2 6", "3 7"}


def test_a_front_by_hand() -> None:
    accuracy, cost = np.array([0.9, 0.8, 0.9, 0.95]), np.array([2.0, 2.0, 1.0, 9.0])
    assert pareto_front(accuracy, cost).tolist() == [2, 3]


@pytest.mark.parametrize(
    ("classes", "labels"),
    [
        ([False, True], [True, False, True]),
        ([1.0, 2.0], [2.0, 1.0, 2.0]),
        ([1.0, 2.0], [2, 1, 2]),
        ([1, 2], [2.0, 1.0, 2.0]),
        ([0, 1], [True, False, True]),
        (["no", "yes"], ["yes", "no", "yes"]),
    ],
)
def test_labels_of_a_test_file_mean_the_classes_of_the_choice(
    tmp_path: Path, classes: list[object], labels: list[object]
) -> None:
    p = np.random.default_rng(0).dirichlet(np.ones(2), (3, 6))
    chosen, test = tmp_path / "chosen.npz", tmp_path / "test.npz"
    truth = [classes[0], classes[1]] * 3
    np.savez(chosen, probabilities=p, labels=truth, classes=classes)
    np.savez(test, probabilities=p[:, :3], labels=labels)
    given = read_given(chosen)
    assert read_test(test, given.pool, given.class_names).labels.tolist() == [1, 0, 1]
