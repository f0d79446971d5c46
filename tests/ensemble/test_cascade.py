from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import ensemble
from ensemble.cascade import NEVER, Cascade, fit_cascade, run_cascade
from ensemble.model import Ensemble
from pruning.core.errors import RequestError

COSTS = (30.0, 10.0, 20.0)
EQUAL = (1 / 3, 1 / 3, 1 / 3)


def members(samples: int = 2000, skill: float = 2.0) -> tuple[np.ndarray, np.ndarray]:
    """Three members of like skill, and labels."""
    rng = np.random.default_rng(0)
    y = rng.integers(0, 4, samples)
    shared = rng.normal(size=(samples, 4)) + skill * np.eye(4)[y]
    logits = 2 * shared + rng.normal(size=(3, samples, 4))
    powers = np.exp(logits)
    return (powers / powers.sum(-1, keepdims=True)).astype(np.float32), y


def run(cascade: Cascade, p: np.ndarray, voting: str = "mean"):
    return run_cascade(cascade, p.shape[1], lambda m, rows: p[m, rows], EQUAL, voting)


def test_by_hand() -> None:
    p = np.array([[[0.9, 0.1], [0.4, 0.6]], [[0.2, 0.8], [0.5, 0.5]]], np.float32)
    ran = run_cascade(Cascade((0, 1), 0.8), 2, lambda m, rows: p[m, rows], (0.5, 0.5), "mean")
    np.testing.assert_allclose(ran.probabilities, [[0.9, 0.1], [0.45, 0.55]], atol=1e-7)
    assert ran.used.tolist() == [1, 2]
    assert ran.mean_cost(Cascade((0, 1), 0.8), (10, 30)) == 25


@pytest.mark.parametrize("voting", ["mean", "plurality", "majority"])
def test_with_the_threshold_off_it_is_the_team(voting: str) -> None:
    from selection.voting import vote

    p, _ = members()
    ran = run(Cascade((1, 2, 0), NEVER), p, voting)
    np.testing.assert_allclose(ran.probabilities, vote(p, voting=voting), atol=1e-6)
    assert (ran.used == 3).all()


def test_a_stopped_sample_is_asked_of_nobody_else() -> None:
    p, _ = members()
    asked: list[int] = []

    def one(member: int, rows: np.ndarray) -> np.ndarray:
        asked.append(len(rows))
        return p[member, rows]

    ran = run_cascade(Cascade((1, 2, 0), 0.9), p.shape[1], one, EQUAL, "mean")
    assert asked == [int((ran.used >= k).sum()) for k in (1, 2, 3)]
    assert asked[2] < asked[1] < asked[0]


@pytest.mark.parametrize("loss", [0.0, 0.01])
def test_fitted_it_keeps_accuracy_and_costs_less(loss: float) -> None:
    p, y = members()
    full = (p.mean(0).argmax(-1) == y).mean()
    cascade = fit_cascade(p, y, COSTS, EQUAL, "mean", allowed_loss=loss)
    ran = run(cascade, p)
    assert cascade.order == (1, 2, 0)
    assert (ran.probabilities.argmax(-1) == y).mean() >= full - loss
    assert ran.mean_cost(cascade, COSTS) < 0.9 * sum(COSTS)


def test_a_cheap_member_that_is_surely_wrong_stops_nobody() -> None:
    p, y = members()
    wrong = (np.arange(4) == ((y + 1) % 4)[:, None]) * 0.96 + 0.01
    p = np.stack([p[0], wrong.astype(np.float32), p[2]])
    cascade = fit_cascade(p, y, COSTS, (0.5, 0.0, 0.5), "mean")
    used = run_cascade(cascade, len(y), lambda m, r: p[m, r], (0.5, 0.0, 0.5), "mean").used
    assert used.min() == 2


@pytest.mark.parametrize("order", [(), (0, 0), (1, 2)])
def test_an_order_that_is_none_is_refused(order: tuple[int, ...]) -> None:
    with pytest.raises(RequestError):
        Cascade(order, 0.9)


def test_in_the_product(
    make_ensemble: Callable[..., Ensemble], images: Callable, tmp_path: Path
) -> None:
    x = images(count=100)
    plain = make_ensemble(temperature=1.5)
    whole = plain.predict_proba(x)
    with pytest.raises(RequestError, match="cascade"):
        plain.set_params(cascade=True)
    off = make_ensemble(temperature=1.5, cascade=Cascade((2, 0, 1), NEVER)).set_params(cascade=True)
    np.testing.assert_allclose(off.predict_proba(x), whole, atol=1e-6)
    some = make_ensemble(temperature=1.5, cascade=Cascade((2, 0, 1), 0.5))
    some.save(tmp_path / "a")
    loaded = ensemble.load(tmp_path / "a")
    np.testing.assert_array_equal(loaded.predict_proba(x), whole)
    loaded.set_params(cascade=True)
    used = loaded.members_used(x)
    assert 1 <= used.min() < used.max() <= 3
    full = used == 3
    np.testing.assert_allclose(loaded.predict_proba(x)[full], whole[full], atol=1e-6)
