"""Everything in a file of predictions made elsewhere: a pool, its classes, a test part."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pruning.core.array_values import ArrayValue
from pruning.core.errors import RequestError
from pruning.core.plain_text import check_writable
from pruning.samples.archive import read_archive
from selection.costs import PoolCosts
from selection.exchange import NEEDED, as_text, costs_of, pool_of
from selection.pool import PoolPredictions

TEST = "test_"
"""Before the names of arrays of samples held out of the choice."""


@dataclass(frozen=True, eq=False)
class GivenPredictions(ArrayValue):
    """What a file of predictions holds.

    Attributes
    ----------
    pool
        As of the selection split.
    costs
        What the members cost; None where the file does not say.
    classes
        (C,) the label of each column, in the kind it was given in; None for 0..C-1.
    told
        Whether the file itself says what the columns are.
    test
        The same members on samples that no choice reads; None where the file has none.
    """

    pool: PoolPredictions
    costs: PoolCosts | None
    classes: NDArray[Any] | None
    told: bool
    test: PoolPredictions | None

    @property
    def class_names(self) -> tuple[str, ...]:
        """The classes as text, in the order of the columns."""
        count = self.pool.probabilities.shape[2]
        return tuple(as_text(np.arange(count) if self.classes is None else self.classes))


def read_given(path: Path | str) -> GivenPredictions:
    """Read everything that a file of predictions holds.

    Beside what `read_predictions` names: ``test_probabilities`` (M, N', C) and ``test_labels``
    (N',), the same members on samples held out of the choice.

    Raises
    ------
    RequestError
        Where the file or an array is not as above: one line that says which.
    """
    path = Path(path)
    arrays = read_archive(path, lambda names: names)
    pool, classes = pool_of(path, arrays)
    check_writable(f"{path}: class", [] if classes is None else as_text(classes))
    test = None
    if any(name.startswith(TEST) for name in arrays):
        shared = {name: arrays[name] for name in ("names",) if name in arrays}
        parts = {name: arrays[TEST + name] for name in NEEDED if TEST + name in arrays}
        columns = np.arange(pool.probabilities.shape[2]) if classes is None else classes
        test = replace(pool_of(path, shared | parts, columns, TEST)[0], split="test")
        _check_alike(path, pool, test)
    return GivenPredictions(
        pool, costs_of(path, arrays, len(pool)), classes, "classes" in arrays, test
    )


def read_test(path: Path | str, like: PoolPredictions, classes: Sequence[str]) -> PoolPredictions:
    """Read predictions of the same members on samples held out of the choice.

    Parameters
    ----------
    path
        An ``.npz`` as `read_predictions` takes it. Its rows are brought into the pool's order
        by their names; without names they are in it.
    like
        The pool that the team was chosen from.
    classes
        The classes of its columns, as text.

    Raises
    ------
    RequestError
        Where the file is not as above, is of other members or classes, or holds the very
        samples that the team was chosen on.
    """
    path = Path(path)
    arrays = read_archive(path, lambda names: names)
    told = arrays.pop("classes", None)
    if told is not None and tuple(as_text(told)) != tuple(classes):
        raise RequestError(
            f"{path}: its classes are {', '.join(as_text(told)[:9])}; the choice was made among "
            f"{', '.join(classes[:9])}, in this order"
        )
    if "labels" in arrays:
        arrays["labels"] = _as_classes(arrays["labels"], classes)
    pool, _ = pool_of(path, arrays, np.array(classes))
    if "names" not in arrays and len(pool) == len(like):
        pool = replace(pool, member_ids=like.member_ids)
    missing = [name for name in like.member_ids if name not in pool.member_ids]
    if missing:
        raise RequestError(
            f"{path} has no member {missing[0]!r}, which the choice knows; allowed are "
            "predictions of the same members, by their names or in their order"
        )
    test = replace(pool.rows(like.member_ids), split="test")
    _check_alike(path, like, test)
    return test


def _as_classes(labels: NDArray[Any], classes: Sequence[str]) -> NDArray[Any]:
    """Return labels as text, the way the classes of a choice are kept; numbers by their value."""
    texts = as_text(labels.ravel())
    if labels.dtype.kind in "biuf":
        known, of_value = set(classes), {_value(name): name for name in reversed(classes)}
        texts = [text if text in known else of_value.get(_value(text), text) for text in texts]
    return np.array(texts).reshape(labels.shape)


def _value(text: str) -> float | str:
    """Return the number that a text says, True and False among them; else the text.

    >>> _value("True"), _value("2.0"), _value("cat")
    (1.0, 2.0, 'cat')
    """
    try:
        return float({"False": "0", "True": "1"}.get(text, text))
    except ValueError:
        return text


def _check_alike(path: Path, pool: PoolPredictions, test: PoolPredictions) -> None:
    """Refuse a test part of other sizes than the pool's, or of the samples of the choice."""
    (members, _, classes), (m, _, c) = pool.probabilities.shape, test.probabilities.shape
    if (m, c) != (members, classes):
        raise RequestError(
            f"{path}: the test part has {m} members and {c} classes; the choice has {members} "
            f"and {classes}"
        )
    if np.array_equal(pool.probabilities, test.probabilities):
        raise RequestError(
            f"{path}: these are the samples that the team is chosen on, which flatter it; a "
            "comparison needs others"
        )
