"""A settings class read as a whole: its options as one flat list.

`settings_of` walks through a class and the settings its fields hold; `made` and `changed`
make values from a flat mapping of option names, as the command line and the estimator give
it; `asked` is the way back. Where a number may be left to the default, the word ``"none"`` takes
off one that stands there: nothing given changes nothing.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from pruning.core.errors import unknown_name
from pruning.core.option_checks import ValueType, allowed_text, value_types
from pruning.core.options import Group, Option, option_of

S = TypeVar("S")

NONE = "none"
"""In place of a number that may be left out: as where none was ever given."""


@dataclass(frozen=True)
class Setting:
    """An option where it stands.

    Attributes
    ----------
    path
        The fields that lead to it; the last is its own.
    option, expected
        What was said of it; its type.
    usual
        Its value when nothing is asked.
    section
        Heading of the help page.
    preset
        Whether it asks for a preset by name, or else the name of the option that does so for
        the settings among which it stands.
    """

    path: tuple[str, ...]
    option: Option
    expected: ValueType
    usual: Any
    section: str
    preset: bool | str = False

    @property
    def field(self) -> str:
        """The name of its field, which is what errors call it."""
        return self.path[-1]

    @property
    def name(self) -> str:
        """The name in flat lists: ``s``, ``arch``, ``max_flops``."""
        return self.option.flag or self.field

    @property
    def flag(self) -> str:
        """The spelling on the command line: ``--max-flops``."""
        return f"--{self.name.replace('_', '-')}"

    @property
    def negated(self) -> str:
        """The spelling of "no" to a yes-or-no option."""
        return f"--no-{self.flag.removeprefix('--')}"

    @property
    def may_be_none(self) -> bool:
        """Whether it is a number that `NONE` takes off."""
        return _may_be_none(self.expected)

    @property
    def default(self) -> Any:
        """What asks for nothing in a flat list; None where a preset decides."""
        return None if isinstance(self.preset, str) else self.usual

    @property
    def default_text(self) -> str:
        """Say what it is when nothing is asked."""
        if self.usual in (None, ()):
            text = self.option.unset or "none"
        elif self.expected.kind is bool:
            text = "yes" if self.usual else "no"
        else:
            text = " ".join(self.usual) if self.expected.repeated else str(self.usual)
        return f"{text}, or the {self.preset}'s" if isinstance(self.preset, str) else text

    @property
    def allowed(self) -> str:
        """Say what it may be; nothing for free text."""
        return allowed_text(self.option, self.expected)


def settings_of(settings: type) -> tuple[Setting, ...]:
    """Return every option that a settings class and those in its fields offer, in order."""
    return tuple(_walk(settings, settings(), (), "", False))


def _walk(
    settings: type, usual: Any, path: tuple[str, ...], section: str, preset: bool | str
) -> Iterator[Setting]:
    for field in dataclasses.fields(settings):
        said, here, default = option_of(field), (*path, field.name), getattr(usual, field.name)
        if isinstance(said, Group):
            within, chosen = said.section or section, preset
            if said.option is not None:
                chosen = said.option.flag or field.name
                first = next(iter(said.presets or ()))
                words = ValueType(str, literals=tuple(said.presets or ()))
                yield Setting(here, said.option, words, first, within, preset=True)
            yield from _walk(type(default), default, here, within, chosen)
        elif isinstance(said, Option) and said.flag is not None:
            kind = value_types(settings)[field.name]
            if said.read is not None:
                kind = ValueType(str, repeated=True)
            yield Setting(here, said, kind, default, said.section or section, preset)


def _may_be_none(expected: ValueType) -> bool:
    return expected.optional and expected.kind in (int, float) and not expected.repeated


def made(settings: type[S], given: Mapping[str, Any]) -> S:
    """Return settings from a flat mapping of option names; None and () ask for the default.

    Raises
    ------
    RequestError
        For a name that no option has, or a value that is not allowed.
    """
    return changed(settings(), given)


def changed(value: S, given: Mapping[str, Any]) -> S:
    """Return settings with what a flat mapping of option names gives; None and () change nothing.

    `NONE` takes a number off that may be left out.

    Raises
    ------
    RequestError
        As `made`.
    """
    known = {setting.name for setting in settings_of(type(value))}
    for name in given:
        if name not in known:
            raise unknown_name("option", name, known)
    new: S = _changed(value, {k: v for k, v in given.items() if not _nothing(v)})
    return new


def _nothing(value: Any) -> bool:
    return value is None or (isinstance(value, tuple) and not value)


def _changed(value: Any, given: Mapping[str, Any]) -> Any:
    changes: dict[str, Any] = {}
    kinds = value_types(type(value))
    for field in dataclasses.fields(value):
        said = option_of(field)
        if isinstance(said, Group):
            inner = getattr(value, field.name)
            if said.presets and said.option and (said.option.flag or field.name) in given:
                inner = find_preset(said, given[said.option.flag or field.name])
            changes[field.name] = _changed(inner, given)
        elif isinstance(said, Option) and said.flag is not None:
            asked_for = given.get(said.flag or field.name)
            if isinstance(asked_for, str) and asked_for == NONE and _may_be_none(kinds[field.name]):
                changes[field.name] = None
            elif asked_for is not None:
                changes |= said.read(asked_for) if said.read else {field.name: asked_for}
    return dataclasses.replace(value, **changes)


def find_preset(said: Group, name: str) -> Any:
    """Return the settings that a preset's name stands for."""
    presets = said.presets or {}
    if name not in presets:
        kind = said.option.kind or said.option.flag if said.option else None
        raise unknown_name(kind or "preset", name, presets)
    return presets[name]


def asked(value: Any) -> dict[str, Any]:
    """Return the flat mapping that makes these settings: what is not the default.

    What no option asks for (a recipe that is no preset's) is left out.
    """
    found: dict[str, Any] = {}
    _ask(value, type(value)(), found)
    return found


def _ask(value: Any, usual: Any, found: dict[str, Any]) -> None:
    for field in dataclasses.fields(value):
        said, here = option_of(field), getattr(value, field.name)
        default = getattr(usual, field.name)
        if isinstance(said, Group):
            if said.presets and said.option:
                name, default = _nearest_preset(said.presets, here)
                if default != getattr(usual, field.name):
                    found[said.option.flag or field.name] = name
            _ask(here, default, found)
        elif isinstance(said, Option) and said.flag is not None:
            if said.write is not None:
                if said.write(value) != said.write(usual):
                    found[said.flag or field.name] = said.write(value)
            elif here != default:
                found[said.flag or field.name] = here


def _nearest_preset(presets: Mapping[str, Any], value: Any) -> tuple[str, Any]:
    """Return the first preset of which offered options alone can make the value."""
    offered = {
        field.name
        for field in dataclasses.fields(value)
        if isinstance(said := option_of(field), Option) and said.flag is not None
    }
    for name, preset in presets.items():
        changes = {field: getattr(value, field) for field in offered}
        if dataclasses.replace(preset, **changes) == value:
            return name, preset
    return next(iter(presets.items()))
