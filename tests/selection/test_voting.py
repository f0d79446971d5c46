"""Votes: by hand, and what all of them promise."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pruning.core.errors import RequestError
from selection.voting import VOTES, vote
from selection.voting.fitted import fit_weights

TEAM = np.array([[[0.9, 0.1, 0.0]], [[0.3, 0.4, 0.3]], [[0.3, 0.4, 0.3]], [[0.1, 0.2, 0.7]]])
BY_HAND = {"mean": 0, "plurality": 1, "majority": 0, "accuracy_weighted": 0, "fitted": 0}


@pytest.mark.parametrize(("voting", "label"), sorted(BY_HAND.items()))
def test_a_vote_by_hand(voting: str, label: int) -> None:
    assert vote(TEAM, voting=voting).argmax(-1).tolist() == [label]


def test_a_majority_outvotes_a_sure_member() -> None:
    team = np.array([[[1.0, 0.0]], [[0.4, 0.6]], [[0.4, 0.6]]])
    assert vote(team).argmax() == 0
    assert vote(team, voting="majority").tolist() == [[pytest.approx(1 / 3), pytest.approx(2 / 3)]]


def test_a_draw_of_votes_goes_by_the_mean_probability() -> None:
    """One vote each: 0.9 + 0.4 for the second class, 0.1 + 0.6 for the first."""
    team = np.array([[[0.1, 0.9]], [[0.6, 0.4]]])
    assert vote(team, voting="plurality").argmax() == 1
    assert vote(team[:, :, ::-1], voting="plurality").argmax() == 0


@pytest.mark.parametrize("voting", VOTES.names())
@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 2**32), size=st.integers(1, 5), classes=st.integers(1, 4))
def test_a_vote_is_a_distribution_blind_to_order(
    voting: str, seed: int, size: int, classes: int
) -> None:
    rng = np.random.default_rng(seed)
    p = rng.dirichlet(np.ones(classes), (size, 6))
    weights = rng.random(size) + 0.1
    voted = vote(p, weights, voting)
    assert voted.min() >= 0
    np.testing.assert_allclose(voted.sum(-1), 1, atol=1e-9)
    order = rng.permutation(size)
    np.testing.assert_allclose(vote(p[order], weights[order], voting), voted, atol=1e-9)
    stacked = vote(np.stack([p, p[order]]), np.ones(size), voting)
    np.testing.assert_allclose(stacked[0], stacked[1], atol=1e-9)


@pytest.mark.parametrize("voting", VOTES.names())
def test_members_of_one_mind_decide(voting: str) -> None:
    p = np.array([[[0.5, 0.3, 0.2]], [[0.4, 0.35, 0.25]]])
    assert vote(p, voting=voting).argmax() == 0


@pytest.mark.parametrize("voting", VOTES.names())
def test_scores_of_members_are_finite_and_not_negative(voting: str) -> None:
    p = np.array([[[1.0, 0.0], [0.0, 1.0]], [[0.5, 0.5], [1.0, 0.0]]])
    scores = VOTES[voting]().scores(p, np.array([0, 1]), 2)
    if scores is not None:
        assert scores.shape == p.shape
        assert np.isfinite(scores).all()
        assert scores.min() >= 0


@pytest.mark.parametrize("voting", VOTES.names())
def test_weights_of_a_vote_sum_to_one(voting: str) -> None:
    rng = np.random.default_rng(0)
    p, labels = rng.dirichlet(np.ones(3), (4, 50)), rng.integers(0, 3, 50)
    weights = VOTES[voting]().weights(p, labels)
    assert weights.sum() == pytest.approx(1)
    assert (weights >= 0).all()


def test_a_better_member_weighs_more() -> None:
    labels = np.arange(60) % 3
    good = np.eye(3)[labels] * 0.7 + 0.1
    poor = np.eye(3)[np.where(np.arange(60) < 30, labels, (labels + 1) % 3)] * 0.7 + 0.1
    for voting in ("accuracy_weighted", "fitted"):
        weights = VOTES[voting]().weights(np.stack([good, poor]), labels)
        assert weights[0] > 0.6


def test_a_member_counts_by_the_log_odds_of_its_accuracy() -> None:
    """One right and one wrong are added: ln(60 / 40), ln(75 / 25), and at chance next to none."""
    labels = np.zeros(98, np.int64)
    right = np.array([59, 74, 49])
    p = np.where((np.arange(98) < right[:, None])[..., None], [1.0, 0.0], [0.0, 1.0])
    odds = np.array([np.log(1.5), np.log(3), 0])
    weights = VOTES["accuracy_weighted"]().weights(p, labels)
    np.testing.assert_allclose(weights, odds / odds.sum(), atol=1e-3)
    assert 0 < weights[2] < 1e-3


def test_what_weights_gain_is_told_of_samples_that_were_left_out() -> None:
    """Weights fitted to the even samples are put to the odd ones, and the other way round."""
    rng = np.random.default_rng(1)
    p, labels = rng.dirichlet(np.ones(3), (4, 30)), rng.integers(0, 3, 30)
    true = p[:, np.arange(30), labels]

    def gain(fitted: slice, told: slice) -> float:
        weights = fit_weights(p[:, fitted], labels[fitted]).weights
        return float(np.mean(np.log(weights @ true[:, told]) - np.log(true[:, told].mean(0))))

    even, odd, every = slice(0, None, 2), slice(1, None, 2), slice(None)
    fit = fit_weights(p, labels)
    assert fit.gain_seen == pytest.approx(gain(every, every))
    assert fit.gain_unseen == pytest.approx((gain(even, odd) + gain(odd, even)) / 2)


def test_of_one_sample_none_is_left_out() -> None:
    fit = fit_weights(np.array([[[0.9, 0.1]], [[0.3, 0.7]]]), np.array([0]))
    assert fit.weights[0] > 0.5
    assert fit.gain_unseen == 0 and not fit.overfits


def test_fitted_weights_that_overfit_are_told() -> None:
    rng = np.random.default_rng(3)
    p, labels = rng.dirichlet(np.ones(3), (30, 30)), rng.integers(0, 3, 30)
    fit = fit_weights(p, labels, shrinkage=0.0)
    assert fit.gain_seen > 0
    assert fit.overfits
    assert abs(fit_weights(p, labels, shrinkage=1e6).weights - 1 / 30).max() < 1e-5


def test_a_tenth_of_imagined_samples_speaks_for_equal_weights() -> None:
    """Of 40 samples one member has 30 and the other 10: (30 + 2) / 44 and (10 + 2) / 44."""
    labels = np.zeros(40, np.int64)
    first = np.where((np.arange(40) % 8 < 6)[:, None], [1.0, 0.0], [0.0, 1.0])
    p = np.stack([first, 1 - first])
    expected = [32 / 44, 12 / 44]
    np.testing.assert_allclose(fit_weights(p, labels).weights, expected, atol=1e-9)
    np.testing.assert_allclose(VOTES["fitted"]().weights(p, labels), expected, atol=1e-9)
    free = fit_weights(p, labels, shrinkage=0).weights
    np.testing.assert_allclose(free, [0.75, 0.25], atol=1e-9)


def test_fitted_weights_are_the_best_there_are() -> None:
    """On a grid of weights none has a greater likelihood, imagined samples counted in."""
    rng = np.random.default_rng(0)
    p, labels = rng.dirichlet(np.ones(3), (2, 50)), rng.integers(0, 3, 50)
    true = p[:, np.arange(50), labels]

    def posterior(w: float) -> float:
        spoken = np.log([w, 1 - w]).sum() * 0.1 * 50 / 2
        return float(np.log(w * true[0] + (1 - w) * true[1]).sum() + spoken)

    best = max(np.linspace(0.001, 0.999, 999), key=posterior)
    assert fit_weights(p, labels).weights[0] == pytest.approx(best, abs=2e-3)


@pytest.mark.parametrize("weights", [[1.0], [1.0, -1.0, 1, 1], [0.0] * 4, [np.nan, 1, 1, 1]])
def test_weights_that_are_none_are_refused(weights: list[float]) -> None:
    with pytest.raises(RequestError, match="weights"):
        vote(TEAM, np.array(weights))
