"""Validated predictions of a pool on one split: what every selection method reads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pruning.core.array_values import ArrayValue
from pruning.core.errors import RequestError
from pruning.core.plain_text import check_writable

WHOLE = 2**53
"""Up to here floats hold every whole number."""

SUM_TOLERANCE = 1e-3
"""How far a row of probabilities may be from summing to 1: float16 rounds that much."""


@dataclass(frozen=True, eq=False)
class PoolPredictions(ArrayValue):
    """Class probabilities of M networks on the N samples of one split.

    Attributes
    ----------
    probabilities
        (M, N, C) float32; each row finite, non-negative, summing to 1 within `SUM_TOLERANCE`.
    labels
        (N,) int64 in 0..C-1.
    member_ids
        M distinct names of the pool's rows.
    split
        Which split these are of; selection refuses ``"test"``.

    >>> pool = PoolPredictions(np.full((2, 3, 4), 0.25, np.float32), np.zeros(3, np.int64),
    ...                        ("a", "b"), "select")
    >>> pool.predictions
    array([[0, 0, 0], [0, 0, 0]])
    """

    probabilities: NDArray[np.float32]
    labels: NDArray[np.int64]
    member_ids: tuple[str, ...]
    split: str

    @classmethod
    def of(
        cls,
        probabilities: ArrayLike,
        labels: ArrayLike,
        *,
        names: Sequence[str] | None = None,
        classes: ArrayLike | None = None,
    ) -> PoolPredictions:
        """Return the pool of predictions made anywhere, taken as the selection split's.

        Parameters
        ----------
        probabilities
            (M, N, C) numbers of any precision, or nested lists; each row sums to 1. Predicted
            classes are taken one-hot, as whole numbers or booleans.
        labels
            (N,) or (N, 1) true labels: whole numbers 0..C-1, be they floats, or any of `classes`.
        names
            (M,) distinct; the row's number, as text, when None.
        classes
            (C,) the label that each column of `probabilities` stands for, such as a
            classifier's ``classes_``. When None 0..C-1; where labels are others, and C of
            them, they are in sorted order, as scikit-learn has them: see `sorted_classes`.

        Raises
        ------
        RequestError
            Where an array is not as above: one line that says what and where.

        >>> pool = PoolPredictions.of([[[0.9, 0.1], [0.2, 0.8]]], ["cat", "dog"],
        ...                           classes=["cat", "dog"])
        >>> pool.labels, pool.accuracies
        (array([0, 1]), array([1.]))
        """
        p = _numbers(probabilities)
        labels = _one_column(labels)
        classes = sorted_classes(labels, p.shape[2]) if classes is None else classes
        y = _whole_labels(labels) if classes is None else _label_columns(labels, classes, p)
        try:
            ids = tuple(map(str, range(len(p)) if names is None else names))
        except TypeError as error:
            raise RequestError(f"names {names!r}; expected {len(p)} texts") from error
        return cls(p, y, ids, "select")

    def __post_init__(self) -> None:
        p, y = self.probabilities, self.labels
        for name, value in (("probabilities", p), ("labels", y)):
            if not isinstance(value, np.ndarray):
                raise RequestError(
                    f"{name} are a {type(value).__name__}; expected an array: `PoolPredictions.of` "
                    "makes one of lists, too"
                )
        if p.ndim != 3 or p.dtype != np.float32:
            raise RequestError(
                f"probabilities are {p.dtype} of shape {p.shape}; expected float32 (M, N, C)"
            )
        if y.shape != p.shape[1:2] or y.dtype != np.int64:
            turned = ": probabilities are (M, N, C), p.transpose(1, 0, 2)"
            raise RequestError(
                f"labels are {y.dtype} of shape {y.shape}; expected int64 of shape ({p.shape[1]},)"
                f"{turned if y.shape == p.shape[:1] else ''}"
            )
        if not p.size:
            raise RequestError(f"probabilities of shape {p.shape} hold nothing to choose from")
        bad = ~np.isfinite(p) | (p < 0)
        if bad.any():
            row, sample, column = np.argwhere(bad)[0]
            value = p[row, sample, column]
            way = "leave that member out" if np.isnan(value) else "logits need a softmax first"
            raise RequestError(
                f"probabilities[{row}, {sample}, {column}] is {value:.3g}, a "
                f"negative or non-finite value; expected 0..1: {way}"
            )
        sums = p.sum(-1, dtype=np.float64)
        off = np.abs(sums - 1)
        if off.max() > SUM_TOLERANCE:
            row, sample = np.unravel_index(off.argmax(), off.shape)
            raise RequestError(
                f"probabilities[{row}, {sample}] sum to {sums[row, sample]:.3g}; allowed "
                f"1 ± {SUM_TOLERANCE:g}: {_way_to_one(p, sums)}"
            )
        if y.min() < 0 or y.max() >= p.shape[2]:
            raise RequestError(
                f"labels span {y.min()}..{y.max()}; allowed 0..{p.shape[2] - 1} ({p.shape[2]} "
                "classes), or any with classes=, the label of each column of probabilities"
            )
        if not isinstance(self.member_ids, tuple):
            raise RequestError(f"names {self.member_ids!r}; expected a tuple of {len(p)} texts")
        check_writable("member", self.member_ids)
        if len(self.member_ids) != len(p) or len(set(self.member_ids)) != len(p):
            raise RequestError(
                f"{len(p)} members need as many distinct names; given are "
                f"{len(self.member_ids)}, {len(set(self.member_ids))} of them distinct"
            )

    def __len__(self) -> int:
        return len(self.probabilities)

    @property
    def predictions(self) -> NDArray[np.int64]:
        """(M, N) int64: each member's most probable class, the first of equals."""
        labels: NDArray[np.int64] = self.probabilities.argmax(-1)
        return labels

    @property
    def accuracies(self) -> NDArray[np.float64]:
        """(M,) float64: share of samples each member predicts rightly."""
        shares: NDArray[np.float64] = (self.predictions == self.labels).mean(1)
        return shares

    def rows(self, member_ids: tuple[str, ...]) -> PoolPredictions:
        """Return the pool of these members, in this order."""
        index = [self.member_ids.index(name) for name in member_ids]
        return PoolPredictions(self.probabilities[index], self.labels, member_ids, self.split)


def _way_to_one(p: NDArray[Any], sums: NDArray[Any]) -> str:
    """Say what makes probabilities of rows that do not sum to 1."""
    if (np.abs(sums - 100) < 5).all():
        return "percentages are divided by 100"
    if p.max() <= 1 and (np.abs(sums - 1) < 0.1).all():
        return "rounded ones are divided by their sums, p / p.sum(-1, keepdims=True)"
    if p.max() <= 1 and p.shape[2] == 1:
        return "one class of two needs the other beside it, np.concatenate([1 - p, p], -1)"
    return "scores need a softmax first"


def _numbers(probabilities: ArrayLike) -> NDArray[np.float32]:
    if isinstance(probabilities, Mapping):
        raise RequestError(
            "probabilities are a dict; expected an array (M, N, C) of numbers: "
            "np.stack(list(probabilities.values()))"
        )
    try:
        given = np.asarray(probabilities)
    except (ValueError, TypeError) as error:
        raise RequestError(f"probabilities are no array (M, N, C) of numbers: {error}") from error
    if given.dtype.kind not in "fiub" or given.ndim != 3:
        ways = {
            "f": ": of one class of two, np.stack([1 - p, p], -1)",
            "i": ": predicted labels, np.eye(C)[p]",
        }
        way = ways.get(given.dtype.kind, "") if given.ndim == 2 else ""
        raise RequestError(
            f"probabilities are {given.dtype} of shape {given.shape}; expected numbers "
            f"(M, N, C){way}"
        )
    with np.errstate(over="ignore"):  # too large becomes infinite, which is refused by name
        return np.ascontiguousarray(given, np.float32)


def sorted_classes(labels: ArrayLike, columns: int) -> NDArray[Any] | None:
    """Return what columns stand for where labels are text, 1..C, or -1 and 1; else None.

    >>> sorted_classes(["dog", "cat", "dog"], 2), sorted_classes([0, 2], 3)
    (array(['cat', 'dog'], dtype='<U3'), None)
    """
    given = _one_column(labels)
    if given.dtype.kind not in "iuUS" or given.ndim != 1 or not given.size:
        return None
    classes = np.unique(given)
    within = given.dtype.kind in "iu" and classes[0] >= 0 and classes[-1] < columns
    return None if within or len(classes) != columns else classes


def _one_column(labels: ArrayLike) -> NDArray[Any]:
    try:
        given = np.asarray(labels)
    except (ValueError, TypeError) as error:
        raise RequestError(f"labels are no array (N,): {error}") from error
    if given.dtype == object and all(isinstance(label, str) for label in given.ravel()):
        given = given.astype(np.str_)
    if given.dtype.kind == "f" and (given % 1 == 0).all() and (np.abs(given) <= WHOLE).all():
        given = given.astype(np.int64)
    return given[:, 0] if given.ndim == 2 and given.shape[1] == 1 else given


def _whole_labels(given: NDArray[Any]) -> NDArray[np.int64]:
    if given.ndim != 1 or given.dtype.kind not in "biu":
        raise RequestError(
            f"labels are {given.dtype} of shape {given.shape}; expected whole numbers (N,), or "
            "any labels with classes=, the label of each column of probabilities"
        )
    return given.astype(np.int64)


def _label_columns(labels: ArrayLike, classes: ArrayLike, p: NDArray[Any]) -> NDArray[np.int64]:
    """Return each label's column, its place among the classes."""
    given = np.asarray(labels)
    try:
        known = np.asarray(classes)
        columns = {label: column for column, label in enumerate(known.ravel().tolist())}
    except (ValueError, TypeError) as error:
        raise RequestError(f"classes are no array (C,) of labels: {error}") from error
    if known.shape != p.shape[2:] or len(columns) != p.shape[2]:
        raise RequestError(
            f"classes of shape {known.shape}, {len(columns)} of them distinct; expected the "
            f"{p.shape[2]} labels of the columns, each once"
        )
    try:
        strange = sorted({str(label) for label in given.ravel().tolist() if label not in columns})
    except TypeError as error:
        raise RequestError(f"labels are no array (N,) of any of classes: {error}") from error
    if strange:
        raise RequestError(
            f"label {strange[0]!r} is none of classes; known: {', '.join(map(str, columns))}"[:500]
        )
    found = [columns[label] for label in given.ravel().tolist()]
    return np.array(found, np.int64).reshape(given.shape)
