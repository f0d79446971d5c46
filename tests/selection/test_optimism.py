"""How much a choice overstates: against theory, against its parts, and where it is refused."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from pruning.core.errors import RequestError
from selection.choosing import select_team
from selection.facts import Optimism
from selection.methods.exhaustive import ExhaustiveSelection
from selection.methods.method import METHODS
from selection.methods.soft import SoftSelection
from selection.optimism import _half, estimate_optimism
from selection.pool import PoolPredictions
from selection.voting import vote

MakePool = Callable[..., PoolPredictions]

EXPECTED_MAXIMUM_OF_20 = 1.8675
"""Of 20 independent standard normal numbers (Teichroew 1956, *Tables of expected values*)."""


def test_the_best_of_twenty_coins_overstates_as_theory_says() -> None:
    """Each member is right by the toss of a coin, so the best of 20 is right by chance alone.

    Its accuracy on N samples exceeds 1/2 by the expected maximum times √(1/4N): that of the
    whole split, though only halves of it are ever chosen on.
    """
    samples, pools = 400, 30
    found = []
    for seed in range(pools):
        rng = np.random.default_rng(seed)
        wrong = rng.integers(0, 2, (20, samples))
        pool = PoolPredictions.of(np.eye(2)[wrong], np.zeros(samples, int))
        optimism = estimate_optimism(ExhaustiveSelection(size=1), pool, halvings=10, rng=rng)
        found.append(optimism.overstated)
    theory = EXPECTED_MAXIMUM_OF_20 * np.sqrt(1 / (4 * samples))
    assert np.mean(found) == pytest.approx(theory, rel=0.1)


def test_the_estimate_is_the_mean_of_its_halvings_with_its_standard_error(
    pool_of: MakePool,
) -> None:
    pool, method = pool_of(8, 120, 3), SoftSelection(size=3)
    whole = estimate_optimism(method, pool, halvings=6, rng=np.random.default_rng(1))
    rng = np.random.default_rng(1)
    parts = [estimate_optimism(method, pool, halvings=1, rng=rng) for _ in range(6)]
    overstated, unseen, top = (
        np.array([getattr(part, name) for part in parts])
        for name in ("overstated", "unseen", "unseen_top")
    )
    root = np.sqrt(6)
    assert whole.overstated == pytest.approx(overstated.mean())
    assert whole.error == pytest.approx(overstated.std(ddof=1) / root)
    assert whole.unseen == pytest.approx(unseen.mean())
    assert whole.unseen_top == pytest.approx(top.mean())
    assert whole.gain_error == pytest.approx((unseen - top).std(ddof=1) / root)
    assert parts[0].error == parts[0].gain_error == 0


@pytest.mark.parametrize(
    ("method", "voting"),
    [("caruana", "mean"), ("exhaustive", "fitted"), ("exhaustive", "accuracy_weighted"),
     ("exhaustive", "plurality")],
)  # fmt: skip
def test_the_weights_found_on_one_half_vote_on_the_other(
    method: str, voting: str, pool_of: MakePool
) -> None:
    pool = pool_of(8, 120, 3)
    chooser = METHODS[method](size=4, voting=voting)
    found = estimate_optimism(chooser, pool, halvings=1, rng=np.random.default_rng(1))
    first = _half(pool.labels, np.random.default_rng(1))
    seen, unseen, weighed = [], [], False
    for here in (first, ~first):
        chooser.fit(pool.probabilities[:, here], pool.labels[here])
        rows = list(chooser.team_)
        right = vote(pool.probabilities[rows], chooser.weights_, voting).argmax(-1) == pool.labels
        seen.append(right[here].mean())
        unseen.append(right[~here].mean())
        weighed |= len(set(chooser.weights_)) > 1
    assert weighed is (voting != "plurality")
    assert found.unseen == pytest.approx(np.mean(unseen))
    assert found.overstated == pytest.approx((np.mean(seen) - np.mean(unseen)) / np.sqrt(2))


def test_a_gain_within_its_error_is_noise() -> None:
    def told(unseen: float) -> Optimism:
        return Optimism(10, 0.02, 0.01, unseen=unseen, unseen_top=0.5, gain_error=0.25)

    assert told(0.75).by_noise and told(0.25).by_noise
    assert not told(0.7500001).by_noise


def test_a_corrected_accuracy_is_less_and_stays_a_share() -> None:
    seen = Optimism(10, 0.25, 0.01, 0.5, 0.5, 0.01)
    assert (seen.corrected(0.75), seen.corrected(0.125)) == (0.5, 0.0)
    assert Optimism(10, -0.25, 0.01, 0.5, 0.5, 0.01).corrected(0.75) == 0.75


def test_members_that_guess_are_seen_through() -> None:
    rng = np.random.default_rng(0)
    p = rng.dirichlet(np.ones(2), (12, 100)).astype(np.float32)
    pool = PoolPredictions(p, rng.integers(0, 2, 100), tuple(map(str, range(12))), "select")
    chosen = select_team(pool, "exhaustive", 3, halvings=10)
    assert chosen.optimism is not None
    assert chosen.accuracy >= 0.6
    assert chosen.optimism.overstated > 0.08
    assert chosen.optimism.corrected(chosen.accuracy) < chosen.accuracy - 0.08
    assert abs(chosen.optimism.unseen - 0.5) < 0.06


def test_the_split_is_halved_as_often_as_asked(pool_of: MakePool) -> None:
    pool = pool_of(5, 60, 3)
    assert select_team(pool, "top", 2, halvings=0).optimism is None
    for halvings in (1, 3):
        told = select_team(pool, "top", 2, halvings=halvings).optimism
        assert told is not None and told.halvings == halvings
    usual = select_team(pool, "top", 2).optimism
    assert usual is not None and usual.halvings > 1
    assert select_team(pool_of(5, 3, 3), "top", 2).optimism is None, "too few to halve"


def test_optimism_of_too_few_samples_is_refused(pool_of: MakePool) -> None:
    with pytest.raises(RequestError, match="halvings of 3 samples"):
        estimate_optimism(
            SoftSelection(size=2), pool_of(4, 3, 2), halvings=2, rng=np.random.default_rng(0)
        )
