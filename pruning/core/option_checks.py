"""Every setting checked against what was said of it, and brought into its one form.

>>> from dataclasses import dataclass
>>> from pruning.core.options import option
>>> @dataclass(frozen=True)
... class Kettle:
...     litres: float = option(1.5, "How much it holds.", above=0, most=20)
...     def __post_init__(self) -> None:
...         check_options(self)
>>> Kettle(litres=2)
Kettle(litres=2.0)
>>> Kettle(litres=0)
Traceback (most recent call last):
    ...
pruning.core.errors.RequestError: `litres` 0: allowed more than 0, up to 20; the default is 1.5
"""

from __future__ import annotations

import dataclasses
import math
import numbers
import operator
import os
import types
import typing
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from pruning.core.errors import RequestError, unknown_name
from pruning.core.options import Option, Range, option_of

LARGEST = 2**63 - 1
"""Whole numbers that arrays and files hold."""


@dataclass(frozen=True)
class ValueType:
    """What a field's annotation says: ``int | None``, ``tuple[str, ...]``, a `Literal`, ….

    `callables` are taken beside text where the annotation has them.
    """

    kind: type
    optional: bool = False
    repeated: bool = False
    literals: tuple[str, ...] = ()
    callables: bool = False


def value_types(settings: type) -> dict[str, ValueType]:
    """Return the type of each field of a settings class."""
    return {name: _value_type(hint) for name, hint in typing.get_type_hints(settings).items()}


def _value_type(hint: Any) -> ValueType:
    if typing.get_origin(hint) in (types.UnionType, typing.Union):
        parts = typing.get_args(hint)
        return dataclasses.replace(
            _value_type(parts[0]),
            optional=type(None) in parts,
            callables=any(typing.get_origin(part) is Callable for part in parts),
        )
    if typing.get_origin(hint) is Literal:
        return ValueType(str, literals=typing.get_args(hint))
    if typing.get_origin(hint) is tuple:
        inner = _value_type(typing.get_args(hint)[0])
        return ValueType(object) if inner.repeated else dataclasses.replace(inner, repeated=True)
    return ValueType(hint if isinstance(hint, type) else object)


def check_options(settings: Any) -> None:
    """Check every option of a frozen settings value, and bring it into its one form.

    Whole numbers for fractions become floats, lists tuples, old words today's.

    Raises
    ------
    RequestError
        For the first value that is not allowed.
    """
    kinds = value_types(type(settings))
    for field in dataclasses.fields(settings):
        said = option_of(field)
        if isinstance(said, Option):
            given = getattr(settings, field.name)
            checked = _checked(field, said, kinds[field.name], given)
            if checked is not given:
                object.__setattr__(settings, field.name, checked)


def _checked(field: dataclasses.Field[Any], said: Option, expected: ValueType, value: Any) -> Any:
    if value is None and expected.optional:
        return None
    if not expected.repeated:
        return _checked_one(field, said, expected, value)
    alone = isinstance(value, str) or (expected.callables and callable(value))
    values = (value,) if alone else value
    if not isinstance(values, tuple | list):
        raise _refused(field, said, expected, value)
    return tuple(_checked_one(field, said, expected, each) for each in values)


def _checked_one(
    field: dataclasses.Field[Any], said: Option, expected: ValueType, value: Any
) -> Any:
    if expected.kind is str:
        return _checked_text(field, said, expected, value)
    if expected.kind is bool and isinstance(value, bool):
        return value
    if expected.kind in (int, float):
        number = _number(expected.kind, value)
        if number is None or number not in (said.range or Range()):
            raise _refused(field, said, expected, value)
        if expected.kind is int and abs(number) > LARGEST:
            raise RequestError(f"`{field.name}` {value}: allowed are numbers up to {LARGEST}")
        return number
    if expected.kind is object:
        return value  # the settings class itself checks what is no plain value
    raise _refused(field, said, expected, value)


def _checked_text(
    field: dataclasses.Field[Any], said: Option, expected: ValueType, value: Any
) -> Any:
    if expected.callables and callable(value):
        return value
    value = os.fspath(value) if isinstance(value, os.PathLike) else value
    if not isinstance(value, str) or not value:
        raise _refused(field, said, expected, value)
    word = said.formerly.get(value, value)
    kind = said.kind or field.name.replace("_", " ")
    if expected.literals and word not in expected.literals:
        raise unknown_name(kind, value, expected.literals)
    if said.names and not said.open:
        said.names.check(kind, word)
    return word


def _number(kind: type, value: Any) -> int | float | None:
    """Return a number as the field's type, or None where it is none of that type."""
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        return None
    if kind is float:
        return float(value)
    try:
        return operator.index(value)  # type: ignore[arg-type]
    except TypeError:
        return None


def allowed_text(said: Option, expected: ValueType) -> str:
    """Say what a setting may be, or nothing where anything of its type may be given."""
    if expected.kind is int:
        return f"{said.range}" if said.range else "whole numbers"
    if expected.kind is float:
        return str(said.range or Range())
    if expected.kind is bool:
        return "True, False"
    if expected.literals:
        return ", ".join(expected.literals)
    return ", ".join(said.names.offered) if said.names else ""


def _refused(
    field: dataclasses.Field[Any], said: Option, expected: ValueType, value: Any
) -> RequestError:
    shown = repr(value) if isinstance(value, str) else f"{value}"
    sort = "whole numbers, " if expected.kind is int and isinstance(value, float | str) else ""
    if isinstance(value, float) and not math.isfinite(value):
        sort = "finite numbers, "
    allowed = sort + (allowed_text(said, expected) or "a text that is not empty")
    allowed += ", or a function" if expected.callables else ""
    usual = said.unset if field.default in (None, ()) else field.default
    usual = " ".join(usual) if isinstance(usual, tuple) else usual
    ending = f"; the default is {usual}" if usual not in (None, dataclasses.MISSING) else ""
    if said.names and not said.open and not isinstance(value, str):
        ending += f"; {said.names.ways_of_ones_own}"
    return RequestError(f"`{field.name}` {shown}: allowed {allowed}{ending}")
