"""What is said of a setting once, beside its field: help, range, names, how it is spelt.

A settings class is a frozen dataclass whose fields are made by `option`, or by `group` where a
field holds further settings. `pruning.core.option_checks` checks values against them; the
command line, ``config.json`` and the printed command are made of them
(`pruning.core.settings_tree`, `settings_json`), so that checks, help and types cannot disagree.
"""

from __future__ import annotations

import dataclasses
import importlib
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from pruning.core.errors import unknown_name
from pruning.core.registry import Registry, names_in

_KEY = "option"


@dataclass(frozen=True)
class Range:
    """The numbers that are allowed; at most one lower and one upper bound."""

    least: float | None = None
    above: float | None = None
    most: float | None = None
    below: float | None = None

    def __contains__(self, value: float) -> bool:
        """Whether a number is allowed; NaN and infinities never are."""
        return (
            math.isfinite(value)
            and (self.least is None or value >= self.least)
            and (self.above is None or value > self.above)
            and (self.most is None or value <= self.most)
            and (self.below is None or value < self.below)
        )

    def __str__(self) -> str:
        """Say it in words.

        >>> print(Range(least=1), "·", Range(least=0, most=1), "·", Range(above=0, below=1))
        1 and more · 0 to 1 · more than 0, less than 1
        """
        if self.least is not None and self.most is not None:
            return f"{self.least} to {self.most}"
        parts = [
            f"{self.least} and more" if self.least is not None else "",
            f"more than {self.above}" if self.above is not None else "",
            f"up to {self.most}" if self.most is not None else "",
            f"less than {self.below}" if self.below is not None else "",
        ]
        return ", ".join(part for part in parts if part) or "any finite number"


@dataclass(frozen=True)
class RegistryNames:
    """The names of a registry, read from the plug-ins' sources: nothing is imported for them.

    Attributes
    ----------
    registry
        ``"module:NAME"``; its plug-ins stand in that module's package, or in `package`.
    besides
        Names that are allowed, too.
    suffixes
        What a name may end in.
    package
        The plug-ins' package where it is another.
    """

    registry: str
    besides: tuple[str, ...] = ()
    suffixes: tuple[str, ...] = ("",)
    package: str | None = None

    @property
    def offered(self) -> tuple[str, ...]:
        """The names that stand in the help, sorted."""
        return (*sorted({*names_in(self.home), *self.besides}),)

    @property
    def home(self) -> str:
        """The package of the plug-ins."""
        return self.package or self.registry.partition(":")[0].rpartition(".")[0]

    def check(self, kind: str, name: str) -> None:
        """Raise `RequestError` for a name that nobody registered.

        The registry itself is asked, and thereby imported, only for a name that its package
        does not show: one of the user's own, or a wrong one.
        """
        bare = next((name[: -len(end)] for end in self.suffixes if end and name.endswith(end)),
                    name)  # fmt: skip
        if name in self.besides or bare in names_in(self.home):
            return
        registry = self._registry
        if bare not in registry:
            known = {found + end for found in registry for end in ("", *self.suffixes)}
            raise unknown_name(kind, name, {*known, *self.besides})

    @property
    def ways_of_ones_own(self) -> str:
        """Say how a plug-in of the user's own is asked for, as an object itself cannot be."""
        module, _, entry = self.registry.partition(":")
        file = "'module:Class' for a class in a file, or " if self._registry.user_code else ""
        return (
            f"one of your own is given by its name: {file}what {module}.{entry}.register(name) "
            "entered it as"
        )

    @property
    def _registry(self) -> Registry[Any]:
        module, _, entry = self.registry.partition(":")
        found: Registry[Any] = getattr(importlib.import_module(module), entry)
        return found


@dataclass(frozen=True)
class Option:
    """What is known of a setting beside its field's name, type and default.

    Attributes
    ----------
    help
        One or two sentences.
    section
        Heading of the help page; None takes the group's.
    flag
        How the command line and flat lists spell it, where that is not the field's name; None
        where they do not offer it.
    range
        Of a number.
    names
        Of a text: the names it may have. None for a `Literal`, which says its own.
    open
        Whether `names` are examples, and more may be given (a path, a factory).
    unset
        What None, or nothing given, comes to, in words.
    formerly
        Old word → its word today. Old words are read everywhere, and never written.
    before
        What a file means that was written before the option existed; ... where that is the
        default.
    kind
        What a name is called in an error; by default the field's name in words.
    metavar
        What stands for a value in the help.
    read, write
        Where an option speaks for several fields: what is given → their values; the settings
        → what was given.
    """

    help: str
    section: str | None = None
    flag: str | None = ""
    range: Range | None = None
    names: RegistryNames | None = None
    open: bool = False
    unset: str | None = None
    formerly: Mapping[str, str] = dataclasses.field(default_factory=dict)
    before: Any = ...
    kind: str | None = None
    metavar: str | None = None
    read: Callable[[tuple[str, ...]], Mapping[str, Any]] | None = None
    write: Callable[[Any], tuple[str, ...]] | None = None


@dataclass(frozen=True)
class Group:
    """A field that holds further settings.

    Attributes
    ----------
    section
        Heading for those of its options that name none.
    presets
        Name → the settings it stands for; an option `option` then asks for one by name.
    """

    section: str | None = None
    presets: Mapping[str, Any] | None = None
    option: Option | None = None


def option(
    default: Any,
    help: str,  # noqa: A002
    *,
    least: float | None = None,
    above: float | None = None,
    most: float | None = None,
    below: float | None = None,
    **about: Any,
) -> Any:
    """Return a dataclass field with an `Option`, whose further attributes are `about`."""
    bounds = (least, above, most, below)
    allowed = Range(*bounds) if any(bound is not None for bound in bounds) else None
    return dataclasses.field(default=default, metadata={_KEY: Option(help, range=allowed, **about)})


def group(
    settings: Callable[[], Any],
    *,
    section: str | None = None,
    presets: Mapping[str, Any] | None = None,
    help: str = "",  # noqa: A002
    flag: str | None = None,
) -> Any:
    """Return a dataclass field that holds further settings; with presets, chosen by `flag`."""
    asked = Option(help, flag=flag) if presets else None
    return dataclasses.field(
        default_factory=settings, metadata={_KEY: Group(section, presets, asked)}
    )


def option_of(field: dataclasses.Field[Any]) -> Option | Group | None:
    """Return what was said of a dataclass's field."""
    found: Option | Group | None = field.metadata.get(_KEY)
    return found
