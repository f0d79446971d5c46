"""What every loaded ensemble can do, whatever runs it: scikit-learn's conventions.

NumPy only; scikit-learn is imported when scikit-learn asks.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ensemble.calibration import temper
from ensemble.description import Classes, Description
from ensemble.feature_names import check_names
from ensemble.reading.arrays import Samples
from ensemble.reading.inputs import batches
from ensemble.uncertainty import Uncertainty, uncertainty
from pruning.core.errors import RequestError
from selection.voting import vote

if TYPE_CHECKING:
    from pruning.inference.cost import Cost

BATCH_SIZE = 256

SUM_TOLERANCE = 0.01
"""How far probabilities may be from 1 in sum, in int8 too."""


class Classifier(ABC):
    """A fitted ensemble.

    Parameters
    ----------
    description
        What it is; see `Description`.
    batch_size
        Samples that are voted on at once.

    Attributes
    ----------
    description
        Classes, input, vote, members' costs, origin.
    batch_size
        As given; `set_params` changes it.
    calibrate
        Whether the fitted temperature is applied; `set_params` changes it.
    """

    def __init__(self, description: Description, batch_size: int = BATCH_SIZE) -> None:
        self.description = description
        self.batch_size = _positive(batch_size)
        self.calibrate = True

    @abstractmethod
    def _member_probabilities(self, samples: Samples) -> NDArray[np.float32]:
        """Return (S, n, C) for n checked samples."""

    def _team_probabilities(self, samples: Samples) -> NDArray[np.float32]:
        """Return (n, C) for n checked samples."""
        return self.combine(self._member_probabilities(samples))

    @property
    def classes_(self) -> Classes:
        """(C,) int64 or str: the class of each column of `predict_proba`."""
        return self.description.classes

    @property
    def cost_(self) -> Cost:
        """Cost per sample, summed over the members (1 multiply-accumulate = 2 FLOPs)."""
        return self.description.cost

    @property
    def n_features_in_(self) -> int:
        """Number of features, where samples are feature rows; images have none."""
        shape = self.description.input_shape
        if len(shape) != 1:
            raise AttributeError(f"n_features_in_: samples are images of shape {shape}")
        return shape[0]

    @property
    def feature_names_in_(self) -> NDArray[np.object_]:
        """(F,) names of the features, where the training data had them."""
        names = self.description.feature_names
        if not names:
            raise AttributeError("feature_names_in_: the training data had no names of features")
        return np.array(names, object)

    def predict(self, X: Any) -> Classes:
        """Return (N,) classes: the most probable each, the first of equals.

        Parameters
        ----------
        X
            N samples, as in `predict_proba`.
        """
        winners: NDArray[np.int64] = self.predict_proba(X).argmax(-1)
        return self.classes_[winners]

    def predict_proba(self, X: Any) -> NDArray[np.float32]:
        """Return (N, C) float32 probabilities, rows summing to 1.

        Parameters
        ----------
        X
            Images (N, H, W), (N, C, H, W) or (N, H, W, C), as an array or torch tensor:
            uint8, or floats in 0..1 (checked); or paths or PIL images of any size. Feature
            rows (N, F), signals (N, C, T), and images of other numbers, in the units of the
            training data; a table's columns must have the names `feature_names_in_`, in their
            order, where the training data had names. Or a DataLoader of any of them. See
            `ensemble.reading.inputs.batches`.

        Raises
        ------
        RequestError
            If `X` has the wrong shape, dtype, scale or columns, or an image cannot be read.
        """
        parts = [_checked(self._team_probabilities(samples)) for samples in self._batches(X)]
        return np.concatenate([np.empty((0, len(self.classes_)), np.float32), *parts])

    def predict_members(self, X: Any) -> NDArray[np.float32]:
        """Return (S, N, C) float32: each member's own probabilities."""
        shape = (len(self.description.members), 0, len(self.classes_))
        parts = [_checked(self._member_probabilities(samples)) for samples in self._batches(X)]
        return np.concatenate([np.empty(shape, np.float32), *parts], axis=1)

    def combine(self, members: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the team's (N, C) of its members' (S, N, C) probabilities."""
        how = self.description.combination
        return self._tempered(vote(members, np.asarray(how.weights), how.voting))

    def uncertainty(self, X: Any) -> Uncertainty:
        """Return the members' agreement and mutual information, sample by sample."""
        members = self.predict_members(X)
        return uncertainty(members, self.combine(members).argmax(-1))

    def _tempered(self, voted: NDArray[Any]) -> NDArray[np.float32]:
        fitted = self.description.combination.temperature
        return temper(voted, fitted if self.calibrate else 1.0).astype(np.float32)

    def score(self, X: Any, y: ArrayLike, sample_weight: ArrayLike | None = None) -> float:
        """Return accuracy in 0..1: the (weighted) share of samples whose class is `y`.

        Parameters
        ----------
        X
            N samples, as in `predict_proba`.
        y
            (N,) true classes, of the kind of `classes_`.
        sample_weight
            (N,) non-negative; equal when None.
        """
        predicted, true = self.predict(X), np.asarray(y)
        if true.dtype == object and all(isinstance(label, str) for label in true.flat):
            true = true.astype(np.str_)  # as pandas keeps text
        if true.shape != predicted.shape:
            raise RequestError(
                f"y has shape {true.shape} for {len(predicted)} samples; expected "
                f"({len(predicted)},), a class for each"
            )
        if (true.dtype.kind in "US") != (predicted.dtype.kind == "U"):
            raise RequestError(
                f"y is {true.dtype}, classes are {self.classes_.dtype}: {self.classes_[:3]}, …; "
                "give labels of that kind"
            )
        if not len(true):
            raise RequestError("0 samples have no accuracy; give at least 1")
        weights = None if sample_weight is None else _weights(sample_weight, len(true))
        return float(np.average(predicted == true, weights=weights))

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Return what `set_params` can change."""
        return {"batch_size": self.batch_size, "calibrate": self.calibrate}

    def set_params(self, **params: Any) -> Self:
        """Set parameters by name and return self.

        Raises
        ------
        RequestError
            If a name is not one of `get_params`, or a value is not allowed.
        """
        known = self.get_params()
        for name in params:
            if name not in known:
                raise RequestError(f"unknown parameter {name!r}; known: {', '.join(sorted(known))}")
        try:
            for name, value in params.items():
                self._set(name, value)
        except BaseException:  # all or nothing
            for name in params:
                self._set(name, known[name])
            raise
        return self

    def _set(self, name: str, value: Any) -> None:
        if name == "calibrate" and not isinstance(value, bool):
            raise RequestError(f"`calibrate` {value!r}: allowed True, False")
        setattr(self, name, _positive(value) if name == "batch_size" else value)

    def fit(self, X: Any, y: Any = None) -> Self:
        """Refuse: an ensemble comes fitted. scikit-learn wants an estimator to have this."""
        raise RequestError(
            f"a loaded {type(self).__name__} is already fitted; "
            "`ensemble build` makes another, FrozenEstimator(clf) wraps this one"
        )

    def _batches(self, X: Any) -> Iterator[Samples]:
        about = self.description
        check_names(X, about.feature_names)
        return batches(X, about.input_shape, self.batch_size, about.scaling.reading)

    def __sklearn_clone__(self) -> Self:
        """Return itself, as a FrozenEstimator does: whatever fits its clone is told by `fit`."""
        return self

    def __sklearn_is_fitted__(self) -> bool:
        return True

    def __sklearn_tags__(self) -> Any:
        from sklearn.utils import ClassifierTags, InputTags, Tags, TargetTags

        images = len(self.description.input_shape) == 3
        return Tags(
            estimator_type="classifier",
            target_tags=TargetTags(required=True),
            classifier_tags=ClassifierTags(),
            input_tags=InputTags(two_d_array=not images, three_d_array=images),
        )

    def __repr__(self) -> str:
        about = self.description
        return (
            f"{type(self).__name__}({len(about.members)} members, {len(about.classes)} classes, "
            f"input {about.input_shape}, voting {about.combination.voting!r})"
        )


def _checked(found: NDArray[np.float32]) -> NDArray[np.float32]:
    """Refuse (…, C) answers that are no probabilities, as those of hostile weights are."""
    if (found >= 0).all() and (np.abs(found.sum(-1) - 1) <= SUM_TOLERANCE).all():  # not with NaN
        return found
    raise RequestError(
        "the networks answer no probabilities: NaN, below 0, or not 1 in sum; these samples are "
        "far beyond what they were trained on, or the ensemble is damaged"
    )


def _weights(given: ArrayLike, samples: int) -> NDArray[np.float64]:
    try:
        weights = np.asarray(given, np.float64)
    except (TypeError, ValueError) as error:
        raise RequestError(f"sample_weight must be {samples} numbers: {error}") from error
    if weights.shape != (samples,) or not np.isfinite(weights).all() or (weights < 0).any():
        raise RequestError(
            f"sample_weight has shape {weights.shape}; allowed are {samples} finite numbers, "
            "none below 0"
        )
    if not weights.sum() > 0 or not np.isfinite(weights.sum()):
        raise RequestError("sample_weight: allowed is a finite sum above 0")
    return weights


def _positive(value: Any) -> int:
    if not isinstance(value, int | np.integer) or isinstance(value, bool) or value < 1:
        raise RequestError(f"`batch_size` {value!r}: allowed whole numbers, 1 and more")
    return int(value)
