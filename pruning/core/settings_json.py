"""Settings as JSON and back, nested as their classes are."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, TypeVar

from pruning.core.errors import RequestError, unknown_name
from pruning.core.options import Option, option_of

S = TypeVar("S")


def to_json(value: Any, *, formerly: bool = False) -> dict[str, Any]:
    """Return settings as plain JSON values, the fields of each class an object.

    Parameters
    ----------
    value
        The settings.
    formerly
        Write what the first version wrote: old words for today's, and of options that it had
        not, only those that ask for something else than it did.
    """
    content: dict[str, Any] = {}
    for field in dataclasses.fields(value):
        said, here = option_of(field), getattr(value, field.name)
        if formerly and isinstance(said, Option) and here == said.before:
            continue
        if dataclasses.is_dataclass(here):
            inner = to_json(here, formerly=formerly)
            if inner or not formerly:
                content[field.name] = inner
        elif formerly and isinstance(said, Option) and isinstance(here, str):
            old = {new: word for word, new in said.formerly.items()}
            content[field.name] = old.get(here, here)
        else:
            content[field.name] = _plain(here)
    return content


def _plain(value: Any) -> Any:
    return [_plain(each) for each in value] if isinstance(value, tuple) else value


def from_json(settings: type[S], stored: Mapping[str, Any]) -> S:
    """Return the settings that `to_json` wrote; what is not there has what it meant before.

    Raises
    ------
    RequestError
        For a field that is not known, a value that is not allowed, or what is no object.
    """
    usual, values = settings(), _before(settings)
    names = {field.name for field in dataclasses.fields(usual)}  # type: ignore[arg-type]
    if extra := sorted(stored.keys() - names):
        raise unknown_name("setting", extra[0], names)
    for name, value in stored.items():
        inner = getattr(usual, name)
        known = dataclasses.is_dataclass(inner) and not isinstance(inner, type)
        if known and not isinstance(value, Mapping):
            raise RequestError(f"setting {name!r} is {value!r}; it is an object of settings")
        values[name] = from_json(type(inner), value) if known else _frozen(value)
    return settings(**values)


def _before(settings: type) -> dict[str, Any]:
    """Return what files mean that were written before an option existed."""
    said = {field.name: option_of(field) for field in dataclasses.fields(settings)}
    return {
        name: option.before
        for name, option in said.items()
        if isinstance(option, Option) and option.before is not ...
    }


def _frozen(value: Any) -> Any:
    return tuple(_frozen(each) for each in value) if isinstance(value, list) else value
