"""Whether a method's settings are of the kinds that their annotations say."""

from __future__ import annotations

import types
import typing
from collections.abc import Iterable
from contextlib import suppress
from numbers import Integral, Real
from typing import Any

import numpy as np

from pruning.core.errors import RequestError

_WORDS = {int: "a whole number", float: "a number", bool: "True or False", str: "a text"}
_NUMBERS: dict[Any, type] = {int: Integral, float: Real}


def check_settings(method: object, names: Iterable[str]) -> None:
    """Refuse the first setting of another kind than its annotation.

    Plain values, tuples of them (any sequence but a text is taken) and None are looked at; what
    else an author of a method may annotate is let through.

    Raises
    ------
    RequestError
        One line: the setting, its value, what is allowed.
    """
    hints: dict[str, Any] = {}
    for kind in reversed(type(method).__mro__):
        with suppress(NameError):  # an author's own names, known to a type checker alone
            hints |= typing.get_type_hints(kind)
    for name in names:
        value, parts = getattr(method, name), _parts(hints.get(name, Any))
        if not any(is_kind(value, part) for part in parts):
            words = " or ".join(dict.fromkeys(map(_said, parts)))
            raise RequestError(f"`{name}` {value!r}; allowed is {words}")


def _parts(hint: Any) -> tuple[Any, ...]:
    union = typing.get_origin(hint) in (types.UnionType, typing.Union)
    return typing.get_args(hint) if union else (hint,)


def is_kind(value: Any, hint: Any) -> bool:
    """Return whether a value is of an annotation's kind; NumPy's numbers are numbers.

    >>> is_kind(2, float), is_kind(2.0, int), is_kind(True, int), is_kind(["a"], tuple[str, ...])
    (True, False, False, True)
    """
    if typing.get_origin(hint) is tuple:
        inner = typing.get_args(hint)[0]
        return isinstance(value, (list, tuple)) and all(is_kind(each, inner) for each in value)
    if hint is Any:
        return True
    if hint is type(None):
        return value is None
    if hint is bool:
        return isinstance(value, (bool, np.bool_))
    if hint in _NUMBERS:
        return isinstance(value, _NUMBERS[hint]) and not isinstance(value, bool)
    return not isinstance(hint, type) or isinstance(value, hint)


def _said(hint: Any) -> str:
    if typing.get_origin(hint) is tuple:
        return "a tuple"
    if hint is type(None):
        return "None"
    return _WORDS.get(hint, f"a {getattr(hint, '__name__', hint)}")
