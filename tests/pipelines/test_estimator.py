"""A build as a scikit-learn estimator: scikit-learn's own checks, and what must hold beside."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.datasets import load_digits, load_iris
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks
from torch import nn

import ensemble
from pipelines.estimator import DropNetEnsembleClassifier
from pipelines.run.config import BuildConfig, DataConfig
from pruning.core.errors import RequestError
from pruning.core.settings_tree import settings_of
from pruning.data.splits import FewSamplesWarning

pytestmark = pytest.mark.filterwarnings("ignore:never left chance")
"""Some fits are of an epoch or two, which may not be enough."""

SMALL: dict[str, Any] = {"m": 2, "s": 1, "arch": "mlp-a:16-8", "epochs": 12, "rounds": 1}


def small(**options: Any) -> DropNetEnsembleClassifier:
    return DropNetEnsembleClassifier(**SMALL | options)


@pytest.fixture(scope="module")
def iris() -> tuple[Any, Any]:
    X, y = load_iris(return_X_y=True)
    return X, np.array(["setosa", "versicolor", "virginica"])[y]


@pytest.fixture(scope="module")
def fitted(iris: tuple[Any, Any]) -> DropNetEnsembleClassifier:
    return small(m=3, s=2).fit(*iris)


ROUNDED = "the sums of a float32 product hang on where a row stands, on some processors"


@parametrize_with_checks(
    [small()],
    expected_failed_checks=lambda _: {"check_methods_sample_order_invariance": ROUNDED},
)
@pytest.mark.filterwarnings("ignore")
def test_scikit_learn_finds_nothing(estimator: Any, check: Callable[[Any], None]) -> None:
    check(estimator)


def test_the_order_of_samples_changes_no_more_than_rounding(
    fitted: DropNetEnsembleClassifier, iris: tuple[Any, Any]
) -> None:
    X, order = iris[0], np.random.default_rng(0).permutation(len(iris[0]))
    found, moved = fitted.predict_proba(X), fitted.predict_proba(X[order])
    np.testing.assert_allclose(moved, found[order], rtol=0, atol=5e-7)
    sure = np.sort(found, 1)[:, -1] - np.sort(found, 1)[:, -2] > 1e-6
    assert (fitted.predict(X[order]) == fitted.predict(X)[order])[sure[order]].all()


def test_every_option_of_a_build_is_a_parameter() -> None:
    params = DropNetEnsembleClassifier().get_params()
    of_data = {setting.name for setting in settings_of(DataConfig)}
    wanted = {s.name: s.default for s in settings_of(BuildConfig) if s.name not in of_data}
    assert params == wanted | {"jobs": 1}
    assert set(DropNetEnsembleClassifier.options()) == set(params)


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("class_weight", "class_weights"), ("epoch", "epochs"), ("lr", "learning_rate"),
        ("random_state", "seed"), ("n_jobs", "jobs"), ("n_estimators", "m"),
    ],
)  # fmt: skip
def test_a_parameter_that_there_is_not_is_told_the_one_that_was_meant(
    name: str, meant: str
) -> None:
    told = f"unknown parameter '{name}'; did you mean '{meant}'[?] known: {meant}, "
    with pytest.raises(TypeError, match=told):
        DropNetEnsembleClassifier(**{name: 3})
    clf = DropNetEnsembleClassifier()
    with pytest.raises(RequestError, match=told):
        clf.set_params(m=3, **{name: 3})
    assert clf.m == DropNetEnsembleClassifier().m
    assert clf.set_params(m=3) is clf
    assert clf.m == 3


def test_what_is_fitted(fitted: DropNetEnsembleClassifier, iris: tuple[Any, Any]) -> None:
    assert fitted.classes_.tolist() == ["setosa", "versicolor", "virginica"]
    assert {member.run for member in fitted.members_} == {0, 1, 2}
    assert {member.round for member in fitted.members_} == {0, 1}
    assert len(fitted.ensemble_.members) == len(fitted.selection_.team) == 2
    assert fitted.cost_ == fitted.ensemble_.cost_
    voted = fitted.ensemble_.predict_members(iris[0]).mean(axis=0)
    assert np.array_equal(fitted.classes_[voted.argmax(1)], fitted.predict(iris[0]))


def test_the_comparison_reads_the_part_held_out(fitted: DropNetEnsembleClassifier) -> None:
    table = fitted.comparison_.table.set_index("contender")
    assert table.loc["all_unpruned", "members"] == 3
    splits = fitted.built_.splits
    predicted = fitted.ensemble_.predict(splits.test.images)
    right = (predicted == splits.classes[splits.test.labels]).mean()
    assert table.loc["selected", "accuracy"] == pytest.approx(right)
    assert fitted.comparison_ is fitted.comparison_


def test_what_is_saved_predicts_the_same(
    fitted: DropNetEnsembleClassifier, iris: tuple[Any, Any], tmp_path: Path
) -> None:
    fitted.save(tmp_path / "team")
    loaded = ensemble.load(tmp_path / "team")
    assert np.array_equal(loaded.predict(iris[0].astype(np.float32)), fitted.predict(iris[0]))


@pytest.mark.parametrize(
    "kept",
    [
        pytest.param(lambda y: y + 1.0, id="whole floats"),
        pytest.param(lambda y: y.astype(np.float32) - 1, id="negative float32"),
        pytest.param(lambda y: pd.Series(y + 5).astype("Int64"), id="nullable integers"),
        pytest.param(lambda y: pd.Series(y > 0).astype("boolean"), id="nullable booleans"),
        pytest.param(lambda y: y > 0, id="booleans"),
        pytest.param(lambda y: y.astype(np.uint8) * 100, id="uint8"),
        pytest.param(lambda y: pd.Series(y).map(str).astype("string"), id="texts of pandas"),
    ],
)
def test_what_is_saved_has_labels_that_equal_those_of_the_fit(
    kept: Callable[[Any], Any], tmp_path: Path
) -> None:
    X, y = load_iris(return_X_y=True)
    fitted = small(epochs=2).fit(X, kept(y))
    fitted.save(tmp_path / "team")
    loaded = ensemble.load(tmp_path / "team")
    assert loaded.classes_.tolist() == fitted.classes_.tolist() == sorted({*kept(y)})
    assert (loaded.predict(X) == fitted.predict(X)).all()
    assert (fitted.ensemble_.predict(X) == fitted.predict(X)).all()


def test_labels_of_images_are_kept_as_those_of_rows() -> None:
    digits = load_digits()
    images, nullable = digits.images[:300] / 16, pd.Series(digits.target[:300] + 1).astype("Int64")
    fitted = small(epochs=1).fit(images, nullable)
    assert fitted.ensemble_.classes_.tolist() == fitted.classes_.tolist() == [*range(1, 11)]


@pytest.mark.parametrize(
    "labels",
    [
        pytest.param(np.array(["2020-01-01", "2021-01-01", "2022-01-01"], "M8[D]"), id="dates"),
        pytest.param(np.array([1, 2, 3], "m8[s]"), id="durations"),
        pytest.param(np.array([1, 2, 2**63], np.uint64), id="beyond int64"),
    ],
)
def test_labels_that_nothing_saved_could_hold_are_refused(
    labels: Any, iris: tuple[Any, Any]
) -> None:
    _, codes = np.unique(iris[1], return_inverse=True)
    with pytest.raises(RequestError, match=r"y has type .*; allowed integers .*y.astype\(str\)"):
        small().fit(iris[0], labels[codes])


def test_what_is_saved_of_a_table_reads_tables_by_their_columns(
    iris: tuple[Any, Any], tmp_path: Path
) -> None:
    table = pd.DataFrame(iris[0], columns=["a", "b", "c", "d"])
    fitted = small(epochs=2).fit(table, iris[1])
    fitted.save(tmp_path / "team")
    loaded = ensemble.load(tmp_path / "team")
    assert loaded.feature_names_in_.tolist() == fitted.feature_names_in_.tolist()
    assert np.array_equal(loaded.predict(table), fitted.predict(table))
    for clf in (loaded, fitted, fitted.ensemble_, fitted.built_.ensemble):
        with pytest.raises(RequestError, match=r"column|feature names should match"):
            clf.predict(table[["d", "c", "b", "a"]])


def test_it_works_where_scikit_learn_puts_estimators(iris: tuple[Any, Any]) -> None:
    X, y = iris
    piped = make_pipeline(StandardScaler(), small()).fit(X, y)
    assert piped.score(X, y) > 0.6
    assert len(cross_val_score(small(), X, y, cv=2)) == 2
    grid = GridSearchCV(small(), {"fraction": [0.2, 0.4]}, cv=2).fit(X, pd.Series(y))
    assert grid.best_params_["fraction"] in (0.2, 0.4)
    calibrated = CalibratedClassifierCV(FrozenEstimator(grid.best_estimator_)).fit(X, y)
    assert calibrated.predict_proba(X).shape == (150, 3)


def test_a_clone_fits_the_same_networks(
    fitted: DropNetEnsembleClassifier, iris: tuple[Any, Any]
) -> None:
    again = clone(fitted).fit(*iris)
    assert np.array_equal(again.predict_proba(iris[0]), fitted.predict_proba(iris[0]))
    other = clone(fitted).set_params(seed=1).fit(*iris)
    assert not np.array_equal(other.predict_proba(iris[0]), fitted.predict_proba(iris[0]))


def test_images_and_a_network_of_ones_own() -> None:
    def make() -> nn.Module:
        return nn.Sequential(nn.Conv2d(1, 6, 3), nn.ReLU(), nn.Flatten(), nn.Linear(216, 10))

    digits = load_digits()
    images = (digits.images * 15).astype(np.uint8)
    fitted = small(arch=make, epochs=2).fit(images[:400], digits.target[:400])
    assert fitted.predict(images[:7]).shape == (7,)
    assert not hasattr(fitted, "n_features_in_")
    assert fitted.predict(images[:7]).dtype == digits.target.dtype


class Rows(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(4, 9), nn.ReLU(), nn.Linear(9, 3))

    def forward(self, x: Any) -> Any:
        return self.layers(x)


def make_rows() -> nn.Module:
    return Rows()


@pytest.mark.parametrize(
    ("arch", "name"), [(Rows(), "Rows"), (Rows, "Rows"), (make_rows, "make_rows")]
)
def test_a_team_of_ones_own_networks_is_loaded_with_what_made_them(
    arch: Any, name: str, iris: tuple[Any, Any], tmp_path: Path
) -> None:
    fitted = small(arch=arch, epochs=1).fit(*iris)
    fitted.save(tmp_path / "team")
    assert fitted.ensemble_.description.members[0].arch.endswith(name)
    told = rf"{name}' is its author's own code, .* hand it over: ensemble.load\(path, factories="
    with pytest.raises(RequestError, match=told):
        ensemble.load(tmp_path / "team")
    for key in (fitted.ensemble_.description.members[0].arch, "any name"):
        loaded = ensemble.load(tmp_path / "team", factories={key: arch})
        assert np.array_equal(loaded.predict(iris[0]), fitted.predict(iris[0]))


def test_a_fit_leaves_nothing_of_the_one_before(iris: tuple[Any, Any]) -> None:
    digits = load_digits()
    images = digits.images[:200] / 16
    twice = small(epochs=1).fit(pd.DataFrame(iris[0], columns=list("abcd")), iris[1])
    assert twice.comparison_ is not None
    twice.fit(images, digits.target[:200])
    once = small(epochs=1).fit(images, digits.target[:200])
    assert vars(twice).keys() == vars(once).keys()
    assert np.array_equal(twice.predict(images.reshape(200, 64)), once.predict(images))


def test_a_fit_that_fails_changes_nothing(iris: tuple[Any, Any]) -> None:
    table = pd.DataFrame(iris[0], columns=list("abcd"))
    fitted = small(epochs=1).fit(table, iris[1])
    before, predicted = dict(vars(fitted)), fitted.predict(table)
    with pytest.raises(RequestError, match="`fraction` 2"):
        fitted.set_params(fraction=2).fit(iris[0][:, :2], iris[1] == "setosa")
    assert vars(fitted) == before | {"fraction": 2}
    assert np.array_equal(fitted.predict(table), predicted)
    fresh = small(fraction=2)
    with pytest.raises(RequestError, match="`fraction` 2"):
        fresh.fit(*iris)
    assert not hasattr(fresh, "n_features_in_")


def test_too_few_samples_to_hold_any_out_are_told() -> None:
    X = np.random.default_rng(0).normal(size=(12, 3))
    with pytest.warns(FewSamplesWarning, match="a class has 6 samples; below 10 none are held"):
        small().fit(X, np.arange(12) % 2)


@pytest.mark.parametrize(
    ("rows", "labels", "told"),
    [
        (lambda X: X * 0 + 1, lambda y: y, ["never left chance: run 0, 1"]),
        (
            lambda X: (X * 10).astype(np.int64) + 2**60,
            lambda y: y,
            [rf"feature {i} has \d+ distinct values, of which" for i in range(4)],
        ),
        (lambda X: X, lambda y: y >= (np.arange(150) > 136) * 3, ["classes are uneven: "]),
    ],
)
def test_what_the_command_line_tells_of_data_and_training_is_warned_of_once(
    rows: Callable[[Any], Any], labels: Callable[[Any], Any], told: list[str]
) -> None:
    X, y = load_iris(return_X_y=True)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        small().fit(rows(X), labels(y))
    said = [str(one.message) for one in caught]
    for wanted in told:
        (found,) = [line for line in said if re.match(wanted, line)]
        assert "\n" not in found
    for one in caught:
        assert one.category is UserWarning
        assert one.filename == __file__


@pytest.mark.parametrize(("label", "shown"), [(1, "1"), (0.0, "0.0"), (True, "True"), ("a", "'a'")])
def test_one_class_is_shown_as_it_was_given(label: Any, shown: str) -> None:
    with pytest.raises(RequestError, match=f"^y has one class, {shown}; classification needs"):
        small().fit(np.eye(20), [label] * 20)


@pytest.mark.parametrize(
    ("missing", "shown"),
    [(None, "None"), (np.nan, "nan"), (pd.NA, "<NA>"), (3, "3"), (pd.NaT, "NaT")],
)
@pytest.mark.parametrize("place", [0, 7])
def test_a_label_that_is_no_text_among_texts_is_shown_and_where(
    missing: Any, shown: str, place: int
) -> None:
    y = np.array(list("ab") * 10, object)
    y[[place, 11]] = missing
    told = rf"^y has {shown} at {place} among texts \(2 of 20 labels are no texts\); allowed are"
    for X in (np.eye(20), np.zeros((20, 8, 8), np.uint8)):
        for labels in (y, pd.Series(y, dtype=object)):
            with pytest.raises(RequestError, match=told):
                small().fit(X, labels)


def test_a_wrong_option_is_named_when_it_is_used(iris: tuple[Any, Any]) -> None:
    with pytest.raises(ValueError, match=r"`fraction` 1\.5: allowed more than 0, less than 1"):
        small(fraction=1.5).fit(*iris)
    with pytest.raises(ValueError, match="`s` 3 is more than the 2 networks of `m` 2"):
        small(s=3).fit(*iris)
