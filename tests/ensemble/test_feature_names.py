"""Names of features: kept with an ensemble in every form, and a table is read by them."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import ensemble
from ensemble.classifier import Classifier
from ensemble.description import Description
from ensemble.feature_names import MOST_LETTERS, kept_names
from ensemble.model import Ensemble
from pruning.core.errors import RequestError

NAMES = ("sepal", "petal", "", "длина")
TABLE = pd.DataFrame(np.random.default_rng(0).normal(size=(6, 4)).astype(np.float32), columns=NAMES)


@pytest.fixture(scope="module")
def named(rows_team: Ensemble) -> Ensemble:
    about = rows_team.description
    return Ensemble(
        rows_team.members, about.classes, about.input_shape, scaling=about.scaling,
        feature_names=NAMES,
    )  # fmt: skip


@pytest.fixture(scope="module", params=["folder", "onnx"])
def loaded(
    request: pytest.FixtureRequest, named: Ensemble, tmp_path_factory: pytest.TempPathFactory
) -> Classifier:
    path = tmp_path_factory.mktemp("named") / "team"
    if request.param == "folder":
        named.save(path)
    else:
        path = path.with_suffix(".onnx")
        named.export(path)
    return ensemble.load(path)


def test_a_loaded_ensemble_knows_the_names_it_was_saved_with(
    loaded: Classifier, named: Ensemble
) -> None:
    assert loaded.feature_names_in_.tolist() == [*NAMES]
    assert loaded.feature_names_in_.dtype == object
    wanted = named.predict_proba(TABLE.to_numpy())
    np.testing.assert_allclose(loaded.predict_proba(TABLE), wanted, atol=1e-5)
    np.testing.assert_allclose(loaded.predict_proba(TABLE.to_numpy()), wanted, atol=1e-5)


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (TABLE[[*NAMES[::-1]]], "X has column 'длина' where 'sepal' is expected; give the columns"),
        (TABLE.drop(columns=["sepal", "petal"]), "X lacks column 'sepal' and 1 more; give"),
        (TABLE.assign(more=1.0), "X has column 'more', unknown here; give"),
        (TABLE[[*NAMES, "petal"]], "X has column 'petal' where 'nothing' is expected; give"),
        (TABLE.rename(columns={"": "x"}), "X lacks column ''; give"),
    ],
)
@pytest.mark.parametrize("method", ["predict", "predict_members", "uncertainty"])
def test_columns_in_another_order_or_of_other_names_are_refused(
    loaded: Classifier, table: pd.DataFrame, message: str, method: str
) -> None:
    with pytest.raises(RequestError, match=message):
        getattr(loaded, method)(table)


def test_tables_are_taken_where_no_names_are_known(rows_team: Ensemble, named: Ensemble) -> None:
    plain = rows_team.predict_proba(TABLE.to_numpy())
    assert np.array_equal(rows_team.predict_proba(TABLE), plain)
    assert np.array_equal(named.predict_proba(TABLE.set_axis(range(4), axis=1)), plain)
    assert not hasattr(rows_team, "feature_names_in_")


def test_without_names_nothing_of_them_is_written(rows_team: Ensemble, named: Ensemble) -> None:
    content = rows_team.description.to_json()
    assert "names" not in content["input"]  # type: ignore[operator]
    assert not Description.from_json(content, "it").feature_names
    again = json.loads(json.dumps(named.description.to_json()))
    assert Description.from_json(again, "it") == named.description


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["a", 1, "b", "c"], "it: input.names is .*; expected a text for each feature"),
        (["a"], r"it: 1 feature names do not fit input shape \(4,\)"),
        ([], "it: input.names is .*; expected a list of 1 to"),
        ("abcd", "it: input.names is 'abcd'; expected a list"),
        (["x" * MOST_LETTERS] * 4, "it: feature names have 1048576 letters together, allowed are"),
    ],
)
def test_a_file_with_unusable_names_is_refused(
    rows_team: Ensemble, names: object, message: str
) -> None:
    content = rows_team.description.to_json()
    content["input"]["names"] = names  # type: ignore[index]
    with pytest.raises(RequestError, match=message):
        Description.from_json(content, "it")


def test_names_are_of_feature_rows_alone(team: Ensemble) -> None:
    with pytest.raises(RequestError, match="1 feature names do not fit input shape"):
        replace(team.description, feature_names=("pixels",))


def test_names_too_long_to_keep_are_left_out() -> None:
    assert kept_names(["x" * MOST_LETTERS]) == ("x" * MOST_LETTERS,)
    assert kept_names(["x" * MOST_LETTERS, "y"]) == ()
