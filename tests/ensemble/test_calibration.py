from __future__ import annotations

import numpy as np
import pytest

from ensemble.calibration import LEAST_TEMPERATURE, MOST_TEMPERATURE, fit_temperature, temper
from pruning.core.errors import RequestError


def softmax(logits: np.ndarray) -> np.ndarray:
    powers = np.exp(logits - logits.max(-1, keepdims=True))
    return powers / powers.sum(-1, keepdims=True)


def log_loss(p: np.ndarray, y: np.ndarray) -> float:
    return float(-np.log(p[np.arange(len(y)), y]).mean())


def test_tempering_divides_logits() -> None:
    logits = np.random.default_rng(0).normal(size=(50, 7))
    for t in (0.5, 1.0, 3.0):
        np.testing.assert_allclose(temper(softmax(logits), t), softmax(logits / t), atol=1e-12)


def test_tempering_keeps_the_order_and_bears_zeros() -> None:
    p = np.array([[1.0, 0.0, 0.0], [0.5, 0.5, 0.0]])
    for t in (0.1, 10.0):
        q = temper(p, t)
        np.testing.assert_allclose(q.sum(-1), 1)
        assert (np.diff(q) <= 0).all() and np.isfinite(q).all()


@pytest.mark.parametrize("true", [0.4, 1.0, 2.5])
def test_the_temperature_that_made_the_labels_is_found(true: float) -> None:
    rng = np.random.default_rng(1)
    logits = rng.normal(size=(40_000, 5)) * 2
    y = (softmax(logits / true).cumsum(1) > rng.random((len(logits), 1))).argmax(1)
    assert fit_temperature(softmax(logits), y) == pytest.approx(true, rel=0.05)


def test_no_other_temperature_is_likelier() -> None:
    rng = np.random.default_rng(2)
    p, y = softmax(rng.normal(size=(3000, 4)) * 3), rng.integers(0, 4, 3000)
    best = fit_temperature(p, y)
    assert all(
        log_loss(temper(p, best), y) <= log_loss(temper(p, t), y) + 1e-4
        for t in np.geomspace(LEAST_TEMPERATURE, MOST_TEMPERATURE, 60)
    )


def test_a_split_without_mistakes_does_not_ask_for_certainty() -> None:
    p = np.tile([0.9, 0.1], (20, 1))
    t = fit_temperature(p, np.zeros(20, np.int64))
    assert temper(p[:1], t)[0, 0] == pytest.approx(1 - 1 / 22, abs=1e-6)  # Platt's target


def test_what_cannot_be_fitted_is_refused() -> None:
    for p, y in [((0, 2), 0), ((3, 2), 2), ((2, 3, 4), 2)]:
        with pytest.raises(RequestError, match="expected"):
            fit_temperature(np.ones(p), np.zeros(y, np.int64))
