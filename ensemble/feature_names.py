"""The names of feature rows' columns: read off a table, and compared with those of the training.

No table library is imported: a table is what has `columns` that are all texts.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pruning.core.errors import RequestError

MOST_LETTERS = 2**18
"""Of all names together that an ensemble keeps: its description has to stay small."""


def names_of(X: Any) -> tuple[str, ...]:
    """Return the names of a table's columns; none where `X` is no table, or not all are texts.

    >>> import pandas
    >>> names_of(pandas.DataFrame({"width": [1.0], "height": [2.0]})), names_of([[1.0, 2.0]])
    (('width', 'height'), ())
    """
    columns = getattr(X, "columns", None)
    if columns is None or isinstance(columns, str):
        return ()
    try:
        names = tuple(columns)
    except TypeError:
        return ()
    return tuple(map(str, names)) if all(isinstance(name, str) for name in names) else ()


def kept_names(names: Sequence[str]) -> tuple[str, ...]:
    """Return the names that an ensemble keeps: these, or none where they are too long together."""
    return tuple(names) if sum(map(len, names)) <= MOST_LETTERS else ()


def check_names(X: Any, fitted: Sequence[str]) -> None:
    """Refuse a table whose columns are not those of the training, in their order.

    Raises
    ------
    RequestError
        For the first column that is absent, unknown or in another place.

    >>> import pandas
    >>> check_names(pandas.DataFrame({"b": [1.0], "a": [2.0]}), ["a", "b"])
    Traceback (most recent call last):
        ...
    pruning.core.errors.RequestError: X has column 'b' where 'a' is expected; give the columns ...
    """
    given = names_of(X)
    if not given or not fitted or given == tuple(fitted):
        return
    way = "give the columns of the training in their order: X[list(model.feature_names_in_)]"
    if absent := [name for name in fitted if name not in given]:
        raise RequestError(f"X lacks column {absent[0]!r}{_more(absent)}; {way}")
    if unknown := [name for name in given if name not in fitted]:
        raise RequestError(f"X has column {unknown[0]!r}{_more(unknown)}, unknown here; {way}")
    found, wanted = next(
        (pair for pair in zip(given, fitted, strict=False) if pair[0] != pair[1]),
        (given[-1], "nothing"),
    )
    raise RequestError(f"X has column {found!r} where {wanted!r} is expected; {way}")


def _more(names: Sequence[str]) -> str:
    return f" and {len(names) - 1} more" if len(names) > 1 else ""
