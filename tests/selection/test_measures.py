"""What every measure must hold; the nine built in, by hand and against a plain count too."""

from __future__ import annotations

from itertools import combinations
from math import sqrt
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from pruning.core.errors import RequestError
from selection.measures import MEASURES, team_diversity

LABELS = np.array([0, 1, 1, 0, 2])
PREDICTIONS = np.array([[0, 1, 0, 0, 2], [0, 0, 0, 0, 2], [0, 1, 1, 1, 0]])
BY_HAND = {
    "cohen_kappa": (7 / 12 + 1 / 16 - 3 / 17) / 3,
    "q_statistic": (1 - 1 - 1) / 3,
    "disagreement": (1 / 5 + 3 / 5 + 4 / 5) / 3,
    "correlation": (3 / sqrt(24) - 2 / sqrt(24) - 4 / 6) / 3,
    "kohavi_wolpert": 8 / 45,
    "entropy": 4 / 5,
    "generalized_diversity": 4 / 5,
    "fleiss_kappa": 1 / 31,
    "double_fault": 1 / 15,
}
MORE_IS_DIVERSE = {
    "disagreement", "kohavi_wolpert", "entropy", "generalized_diversity",
}  # fmt: skip


def plain(name: str, predictions: NDArray[Any], labels: NDArray[Any]) -> float:
    """Return a measure of one team from its definition, sample by sample and pair by pair."""
    members, samples = predictions.shape
    right = predictions == labels
    if name == "entropy":
        l_right = right.sum(0)
        doubt = np.minimum(l_right, members - l_right).sum()
        return float(doubt / (samples * (members - np.ceil(members / 2))))
    if name == "kohavi_wolpert":
        l_right = right.sum(0)
        return float((l_right * (members - l_right)).sum() / (samples * members**2))
    if name == "generalized_diversity":
        failing = (~right).sum(0)
        one = (failing / members).mean()
        two = (failing * (failing - 1) / (members * (members - 1))).mean()
        return float(1 - two / one) if one else 0.0
    if name == "fleiss_kappa":
        counts = np.stack([(predictions == c).sum(0) for c in range(int(predictions.max()) + 1)])
        agreed = ((counts**2).sum(0) - members) / (members * (members - 1))
        chance = float(((counts.sum(1) / (samples * members)) ** 2).sum())
        return float((agreed.mean() - chance) / (1 - chance)) if chance < 1 else 1.0
    return float(np.mean([plain_pair(name, predictions[[i, j]], labels)
                          for i, j in combinations(range(members), 2)]))  # fmt: skip


def plain_pair(name: str, two: NDArray[Any], labels: NDArray[Any]) -> float:
    a, b = two == labels
    n11, n00 = int((a & b).sum()), int((~a & ~b).sum())
    n10, n01 = int((a & ~b).sum()), int((~a & b).sum())
    if name == "disagreement":
        return (n10 + n01) / len(labels)
    if name == "double_fault":
        return n00 / len(labels)
    if name == "q_statistic":
        return (n11 * n00 - n01 * n10) / ((n11 * n00 + n01 * n10) or 1)
    if name == "correlation":
        spread = sqrt((n11 + n10) * (n01 + n00) * (n11 + n01) * (n10 + n00))
        return (n11 * n00 - n01 * n10) / (spread or 1)
    agreed = float((two[0] == two[1]).mean())
    chance = sum(float((two[0] == c).mean() * (two[1] == c).mean()) for c in range(5))
    return (agreed - chance) / (1 - chance) if chance < 1 - 1e-12 else 1.0


@pytest.mark.parametrize("name", sorted(BY_HAND))
def test_a_measure_by_hand(name: str) -> None:
    value = team_diversity(PREDICTIONS, LABELS, np.array([[0, 1, 2]]), measure=name)
    assert value == pytest.approx([BY_HAND[name]], abs=1e-15)


@pytest.mark.parametrize("name", sorted(BY_HAND))
@pytest.mark.parametrize("size", [2, 3, 4])
def test_a_measure_is_its_definition(name: str, size: int) -> None:
    rng = np.random.default_rng(size)
    predictions, labels = rng.integers(0, 4, (7, 60)), rng.integers(0, 4, 60)
    teams = np.array(list(combinations(range(7), size)))
    for focal in (None, 3):
        held = np.ones(60, bool) if focal is None else predictions[focal] != labels
        values = team_diversity(predictions, labels, teams, measure=name, focal=focal)
        expected = [plain(name, predictions[t][:, held], labels[held]) for t in teams]
        np.testing.assert_allclose(values, expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("name", sorted(BY_HAND))
def test_a_measure_points_the_published_way(name: str) -> None:
    assert MEASURES[name].more_is_diverse == (name in MORE_IS_DIVERSE)


@pytest.mark.parametrize("name", MEASURES.names())
def test_a_measure_says_where_it_is_from(name: str) -> None:
    assert MEASURES[name].source.strip()


@pytest.mark.parametrize("name", MEASURES.names())
def test_a_measure_says_which_way_it_points(name: str) -> None:
    labels = np.arange(40) % 4
    alike = np.tile((labels + (np.arange(40) < 10)) % 4, (2, 1))
    unlike = np.stack([alike[0], (labels + (np.arange(40) >= 30)) % 4])
    low, high = (
        team_diversity(p, labels, np.array([[0, 1]]), measure=name)[0] for p in (alike, unlike)
    )
    assert (high > low) == MEASURES[name].more_is_diverse


@pytest.mark.parametrize("name", MEASURES.names())
@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32), classes=st.integers(1, 3), samples=st.integers(1, 8))
def test_a_measure_is_finite_and_blind_to_order_and_label_names(
    name: str, seed: int, classes: int, samples: int
) -> None:
    rng = np.random.default_rng(seed)
    predictions, labels = rng.integers(0, classes, (4, samples)), rng.integers(0, classes, samples)
    teams = np.array([[0, 1, 2, 3], [3, 1, 0, 2]])
    values = team_diversity(predictions, labels, teams, measure=name)
    assert np.isfinite(values).all()
    assert values[0] == pytest.approx(values[1], abs=1e-12)
    names = rng.permutation(classes)
    renamed = team_diversity(names[predictions], names[labels], teams, measure=name)
    np.testing.assert_allclose(renamed, values, rtol=0, atol=1e-12)


@pytest.mark.parametrize("name", MEASURES.names())
def test_no_samples_and_no_errors_are_defined(name: str) -> None:
    labels = np.array([0, 1, 0])
    never_wrong = np.tile(labels, (3, 1))
    teams = np.array([[0, 1], [1, 2]])
    for focal in (None, 0):
        values = team_diversity(never_wrong, labels, teams, measure=name, focal=focal)
        assert np.isfinite(values).all()
        assert values[0] == values[1]


@pytest.mark.parametrize("name", sorted(BY_HAND))
def test_a_team_that_never_errs_is_as_its_measure_says(name: str) -> None:
    """Alike, where labels are compared; where correctness is, correlations tell nothing: 0."""
    labels = np.array([0, 1, 0, 1])
    team = np.tile(labels, (3, 1))
    for focal in (None, 1):  # on all samples, and on none
        value = team_diversity(team, labels, np.array([[0, 1, 2]]), measure=name, focal=focal)
        assert value == (1.0 if name in ("cohen_kappa", "fleiss_kappa") else 0.0)


def test_kohavi_wolpert_is_disagreement_scaled() -> None:
    rng = np.random.default_rng(0)
    predictions, labels = rng.integers(0, 3, (6, 50)), rng.integers(0, 3, 50)
    teams = np.array(list(combinations(range(6), 4)))
    variance, disagreement = (
        team_diversity(predictions, labels, teams, measure=name)
        for name in ("kohavi_wolpert", "disagreement")
    )
    np.testing.assert_allclose(variance, disagreement * 3 / 8, atol=1e-15)


@pytest.mark.parametrize(
    ("teams", "said"),
    [([[0]], "no diversity"), ([[0, 0]], "twice"), ([[0, 9]], "0..2"), ([0, 1], "expected int")],
)
def test_a_team_that_is_none_is_refused(teams: list[Any], said: str) -> None:
    with pytest.raises(RequestError, match=said):
        team_diversity(PREDICTIONS, LABELS, np.array(teams), measure="disagreement")


@pytest.mark.parametrize("focal", [-1, 3])
def test_a_focal_model_is_a_row_of_the_pool(focal: int) -> None:
    with pytest.raises(RequestError, match=rf"focal model {focal}; allowed 0\.\.2"):
        team_diversity(PREDICTIONS, LABELS, np.array([[0, 1]]), measure="disagreement", focal=focal)


def test_an_unknown_measure_names_the_near_one() -> None:
    with pytest.raises(RequestError, match="did you mean 'disagreement'"):
        team_diversity(PREDICTIONS, LABELS, np.array([[0, 1]]), measure="disagrement")
