"""A build as a scikit-learn estimator: arrays in, fitted ensemble out, nothing written."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import cached_property
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_array, check_is_fitted, check_X_y, validate_data

from ensemble.feature_names import kept_names
from pipelines.build.calling import OnEvent
from pipelines.build.remarks import of_data, of_training
from pipelines.build.story import build
from pipelines.report import ComparisonReport, compare
from pipelines.run.parameters import (
    DEFAULTS,
    JOBS_HELP,
    SETTINGS,
    check_names,
    config_of,
    placement_of,
)
from pruning.core.errors import RequestError
from pruning.data.splits import Splits

if TYPE_CHECKING:
    from ensemble.model import Ensemble
    from pipelines.build.built import Built
    from pruning.dropnet.member import Member
    from pruning.inference.cost import Cost
    from selection.team import Selection


class DropNetEnsembleClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """M networks are trained and pruned with DropNet; the S that vote best together predict.

    Parameters
    ----------
    m, s, arch, seed, …
        Every option of ``ensemble build`` but those that name data and folders, by its name
        there (``max_flops`` for ``--max-flops``), with its default and its range: they are made
        from the same settings. `arch` is a name, an ``nn.Module``, a function that makes one, or
        several of them. `DropNetEnsembleClassifier.options` lists names, defaults and help.
    jobs
        Groups of runs that train at a time; -1 is one per core. What is fitted is the same.

    Attributes
    ----------
    classes_
        (C,) the distinct labels, sorted.
    n_features_in_, feature_names_in_
        Of feature rows; images have none.
    members_
        Every round of every run with its network (`pruning.dropnet.Member`).
    selection_
        The choice (`selection.team.Selection`).
    ensemble_
        The chosen team (`ensemble.Ensemble`), which predicts.
    cost_
        Cost per sample, summed over the team (`pruning.inference.Cost`).
    comparison_
        The team against the unpruned networks on the test part, made when first asked for.

    Notes
    -----
    `fit` cuts the samples into 60/10/15/15 %: training, early stopping, choice, comparison. Where
    a class has fewer than 10 samples it warns and uses all of them for each. It warns, too, of
    features that are equal in float32, of rare classes, and of runs that never left chance.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> X, y = load_iris(return_X_y=True)
    >>> clf = DropNetEnsembleClassifier(m=3, s=2, arch="mlp-a:8-8", epochs=10).fit(X, y)
    >>> len(clf.ensemble_.members), clf.predict(X[:2]).tolist()
    (2, [0, 0])
    """

    def __init__(self, **options: Any) -> None:
        try:
            check_names(options)
        except RequestError as error:
            raise TypeError(str(error)) from None
        for name, default in DEFAULTS.items():
            setattr(self, name, options.get(name, default))

    def set_params(self, **params: Any) -> Self:
        """Set parameters by name and return self.

        Raises
        ------
        RequestError
            If a name is not one of `get_params`; nothing is set then.
        """
        check_names(params)
        super().set_params(**params)
        return self

    @staticmethod
    def options() -> dict[str, tuple[Any, str]]:
        """Return every parameter's name → (default, help)."""
        told = {setting.name: (setting.default, setting.option.help) for setting in SETTINGS}
        return told | {"jobs": (DEFAULTS["jobs"], JOBS_HELP)}

    def fit(self, X: ArrayLike, y: ArrayLike, *, on_event: OnEvent | None = None) -> Self:
        """Train, prune and choose.

        Parameters
        ----------
        X
            (N, F) feature rows, or images (N, H, W), (N, H, W, C) or (N, C, H, W): integers in
            0..255 or floats in 0..1.
        y
            (N,) labels of at least two classes: strings, integers, or booleans and floats that
            are whole numbers. These two `predict` returns as they were given, and what is saved
            as the integers that equal them.
        on_event
            Called with what happens while it trains, such as `RoundDone`
            (`pipelines.build.progress`), from another thread.

        Raises
        ------
        ValueError
            For arrays or options that cannot be used; one line. What was fitted before stays.
        """
        with self._all_or_nothing():
            self._fit(X, y, on_event)
        for line in of_training(self.built_):
            warnings.warn(line, stacklevel=2)
        return self

    def _fit(self, X: ArrayLike, y: ArrayLike, on_event: OnEvent | None) -> None:
        config, placement = config_of(self.get_params(deep=False)), placement_of(self.jobs)
        X, labels = self._checked(X, y)
        self.classes_, codes = np.unique(labels, return_inverse=True)
        if len(self.classes_) < 2:
            raise RequestError(
                f"y has one class, {self.classes_.tolist()[0]!r}; classification needs at least 2 "
                "classes"
            )
        labels = _stored_labels(self.classes_)[codes]
        splits = Splits.from_arrays(X, labels, seed=config.seed, share_few=True)
        for line in of_data(splits, config.dropnet.recipe.class_weights):
            warnings.warn(line, stacklevel=3)
        self.built_: Built = build(config, splits, placement=placement, on_event=on_event)
        self.members_: tuple[Member, ...] = self.built_.members
        self.selection_: Selection = self.built_.selection
        self.ensemble_: Ensemble = self.built_.ensemble
        self.ensemble_.description = replace(
            self.ensemble_.description,
            feature_names=kept_names(getattr(self, "feature_names_in_", ())),
        )

    def predict_proba(self, X: ArrayLike) -> NDArray[np.float32]:
        """Return (N, C) float32 probabilities, rows summing to 1, columns as `classes_`."""
        check_is_fitted(self)
        found: NDArray[np.float32] = self.ensemble_.predict_proba(self._samples(X))
        return found

    def predict(self, X: ArrayLike) -> NDArray[Any]:
        """Return (N,) labels, the most probable each."""
        columns = self.predict_proba(X).argmax(1)
        return np.asarray(self.classes_[columns])

    @property
    def cost_(self) -> Cost:
        """Cost per sample, summed over the team."""
        check_is_fitted(self)
        return self.ensemble_.cost_

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        return tags

    @cached_property
    def comparison_(self) -> ComparisonReport:
        """The team against the unpruned networks, on the part of the data held out for that."""
        check_is_fitted(self)
        return compare(self.built_)

    def save(self, path: str | PathLike[str]) -> None:
        """Write the chosen team to a folder that `ensemble.load` reads; nothing is pickled.

        What is loaded returns labels that equal those of the fit, whole numbers as int64 and text
        as str. It knows `feature_names_in_`, unless they have more than 2¹⁸ letters together.

        Networks of your own (`arch` a network or a function) are kept without their code:
        `ensemble.load` wants what made them, ``factories={name: arch}``, and otherwise says so;
        the name is ``ensemble_.description.members[0].arch``. ``ensemble_.export("team.onnx")``
        writes a file that needs none.
        """
        check_is_fitted(self)
        self.ensemble_.save(Path(path))

    @contextmanager
    def _all_or_nothing(self) -> Iterator[None]:
        """Forget an earlier fit; where the block fails, all is as it was before."""
        held = self.__dict__
        earlier = {name: held.pop(name) for name in [*held] if name.endswith("_")}
        try:
            yield
        except BaseException:
            for name in [name for name in held if name.endswith("_")]:
                del held[name]
            held |= earlier
            raise

    def _checked(self, X: ArrayLike, y: ArrayLike) -> tuple[NDArray[Any], NDArray[Any]]:
        with _in_a_line("; expected X (N, F) or images, y (N,) labels"):
            _check_one_kind(y)
            if _are_images(X):
                samples, labels = check_X_y(X, y, ensure_2d=False, allow_nd=True)
            else:
                samples, labels = validate_data(self, X, y)
            check_classification_targets(labels)
        return samples, labels

    def _samples(self, X: ArrayLike) -> NDArray[Any]:
        with _in_a_line("; expected X of the kind that was fitted"):
            if _are_images(X):
                return np.asarray(check_array(X, ensure_2d=False, allow_nd=True))
            return np.asarray(validate_data(self, X, reset=False))


@contextmanager
def _in_a_line(expected: str) -> Iterator[None]:
    """Make scikit-learn's messages of several lines one of ours, and say what is expected."""
    try:
        yield
    except RequestError:
        raise
    except ValueError as error:
        raise RequestError(str(error).rstrip(".") + expected) from error


def _check_one_kind(y: ArrayLike) -> None:
    """Refuse what is no text among texts, such as a label that is missing: it has no place."""
    labels = np.asarray(y)
    if labels.dtype.kind != "O" or labels.ndim != 1:
        return
    others = [row for row, label in enumerate(labels) if not isinstance(label, str)]
    if 0 < len(others) < len(labels):
        raise RequestError(
            f"y has {labels[others[0]]!r} at {others[0]} among texts ({len(others)} of "
            f"{len(labels)} labels are no texts); allowed are labels of one kind: leave these "
            "samples out, or give them a label"
        )


def _are_images(X: ArrayLike) -> bool:
    return np.asarray(X).ndim in (3, 4)


def _stored_labels(classes: NDArray[Any]) -> NDArray[Any]:
    """Return classes as an artefact holds them: booleans and whole floats as equal integers.

    What has no equal there, such as dates, stays what it is, and is refused with all labels that
    are neither integers nor text (`pruning.data.arrays`).

    >>> _stored_labels(np.array([-1.0, 2.0])).tolist(), _stored_labels(np.array([0.5, 1])).tolist()
    ([-1, 2], [0.5, 1.0])
    """
    if classes.dtype.kind not in "bf":
        return classes
    with np.errstate(invalid="ignore"):  # beyond int64, which then differs
        whole = classes.astype(np.int64)
    return whole if np.array_equal(whole, classes) else classes


def _parameters() -> inspect.Signature:
    """Return the signature that scikit-learn reads: every option by keyword, with its default."""
    first = inspect.Parameter("self", inspect.Parameter.POSITIONAL_OR_KEYWORD)
    keyword = inspect.Parameter.KEYWORD_ONLY
    rest = [inspect.Parameter(n, keyword, default=d) for n, d in DEFAULTS.items()]
    return inspect.Signature([first, *rest])


DropNetEnsembleClassifier.__init__.__signature__ = _parameters()  # type: ignore[attr-defined]
