from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from sklearn.base import clone, is_classifier
from sklearn.calibration import CalibratedClassifierCV
from sklearn.frozen import FrozenEstimator
from sklearn.inspection import permutation_importance
from sklearn.metrics import accuracy_score, get_scorer
from sklearn.model_selection import cross_val_predict
from sklearn.utils.validation import check_is_fitted

from ensemble.model import Ensemble
from pruning.core.errors import RequestError

Images = Callable[..., np.ndarray]


def test_probabilities_are_the_mean_of_each_networks_softmax(
    team: Ensemble, images: Images
) -> None:
    x = images()
    with torch.no_grad():
        each = [m.network(torch.tensor(x).double().float() / 255).softmax(-1) for m in team.members]
    wanted = torch.stack(each).mean(0).numpy()
    np.testing.assert_allclose(team.predict_proba(x), wanted, atol=1e-6)
    np.testing.assert_array_equal(team.predict(x), wanted.argmax(1))
    np.testing.assert_allclose(team.predict_members(x), torch.stack(each).numpy(), atol=1e-6)


def test_scaling_and_names_of_feature_rows(rows_team: Ensemble) -> None:
    x = np.random.default_rng(0).normal(size=(20, 4)).astype(np.float32)
    scaled = (x - np.float32([1, -2, 0, 5])) / np.float32([2, 0.5, 1, 3])
    with torch.no_grad():
        each = [m.network(torch.from_numpy(scaled)).softmax(-1) for m in rows_team.members]
    wanted = torch.stack(each).mean(0).numpy()
    np.testing.assert_allclose(rows_team.predict_proba(x), wanted, atol=1e-6)
    assert set(rows_team.predict(x)) <= {"no", "yes"}
    assert rows_team.n_features_in_ == 4


def test_the_batch_size_changes_nothing(team: Ensemble, images: Images) -> None:
    x = images()
    whole = team.predict_proba(x)
    try:
        for size in (1, 7, 1000):
            np.testing.assert_allclose(
                team.set_params(batch_size=size).predict_proba(x), whole, atol=1e-6
            )
    finally:
        team.set_params(batch_size=256)


def test_an_empty_input_has_an_empty_answer(team: Ensemble) -> None:
    nothing = np.empty((0, 8, 8), np.uint8)
    assert team.predict_proba(nothing).shape == (0, 10)
    assert team.predict_members(nothing).shape == (3, 0, 10)
    assert team.predict(nothing).shape == (0,)


def test_weights_and_votes_are_used(make_ensemble: Callable[..., Ensemble], images: Images) -> None:
    x = images()
    one = make_ensemble(weights=(0.0, 1.0, 0.0))
    np.testing.assert_allclose(one.predict_proba(x), one.predict_members(x)[1], atol=1e-6)
    heads = make_ensemble(voting="plurality")
    for label, row in zip(heads.predict(x), heads.predict_members(x).argmax(-1).T, strict=True):
        counts = np.bincount(row, minlength=10)
        assert counts[label] == counts.max()


def test_score_is_accuracy(team: Ensemble, images: Images) -> None:
    x = images()
    y = np.arange(len(x)) % 10
    assert team.score(x, y) == pytest.approx(accuracy_score(y, team.predict(x)))
    weights = np.arange(len(x))
    wanted = accuracy_score(y, team.predict(x), sample_weight=weights)
    assert team.score(x, y, weights) == pytest.approx(wanted)
    for wrong in (y[:-1], y.astype(str), y[:, None]):
        with pytest.raises(RequestError):
            team.score(x, wrong)
    with pytest.raises(RequestError, match="0 samples"):
        team.score(x[:0], y[:0])


def test_scikit_learn_takes_it_for_a_fitted_classifier(team: Ensemble, images: Images) -> None:
    x = images(count=200)
    y = np.where(np.arange(200) % 2, team.predict(x), np.arange(200) // 2 % 10)
    check_is_fitted(team)
    assert is_classifier(team)
    assert get_scorer("accuracy")(team, x, y) == team.score(x, y)
    calibrated = CalibratedClassifierCV(FrozenEstimator(team)).fit(x, y)
    assert calibrated.predict_proba(x).shape == (200, 10)
    assert set(calibrated.classes_) <= set(team.classes_)
    frozen = cross_val_predict(FrozenEstimator(team), x, y, cv=2)
    np.testing.assert_array_equal(frozen, team.predict(x))


def test_scikit_learns_tools_for_rows(rows_team: Ensemble) -> None:
    x = np.random.default_rng(1).normal(size=(50, 4)) * 10
    assert len(set(rows_team.predict(x))) == 2
    found = permutation_importance(rows_team, x, rows_team.predict(x), n_repeats=2)
    assert found.importances_mean.shape == (4,) and found.importances_mean.max() > 0


def test_parameters_are_checked(team: Ensemble) -> None:
    wanted = {"batch_size": 256, "calibrate": True, "cascade": False, "device": "cpu"}
    assert team.get_params() == wanted
    for wrong in (
        {"batch": 3},
        {"batch_size": 0},
        {"batch_size": True},
        {"device": "nowhere"},
        {"calibrate": 1},
        {"cascade": True},
    ):
        with pytest.raises(RequestError):
            team.set_params(**wrong)
    assert team.get_params() == wanted
    for fitted in (team, clone(team)):
        with pytest.raises(RequestError, match="already fitted"):
            fitted.fit(None, None)
    with pytest.raises(AttributeError, match="images"):
        _ = team.n_features_in_


def test_costs_add_up(team: Ensemble) -> None:
    assert team.cost_.params == sum(p.numel() for m in team.members for p in m.network.parameters())
    assert team.cost_.flops == sum(m.info.cost.flops for m in team.members)


@pytest.mark.parametrize(
    "options",
    [{"classes": (1,)}, {"classes": (1, 1)}, {"classes": (0.5, 1.5)}, {"weights": (1.0, 0.0)},
     {"weights": (0.5, 0.6, 0.0)}, {"weights": (-1.0, 1.0, 1.0)}, {"voting": "shouting"}],
)  # fmt: skip
def test_a_contradictory_ensemble_is_refused(
    make_ensemble: Callable[..., Ensemble], options: dict[str, object]
) -> None:
    with pytest.raises(RequestError):
        make_ensemble(**options)
