"""A registry finds the plug-ins of one package: one file, one name, no list to keep.

Adding a data set, an architecture, a score, a measure or a selection method means adding
one module to its package. The registry imports the package's modules the first time a
name is looked up, never when it is itself imported. The names alone can be read from the
sources (`names_in`), which a help page does.
"""

from __future__ import annotations

import functools
import importlib
import importlib.util
import pkgutil
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Generic, TypeVar, cast

from pruning.core.errors import RequestError, unknown_name
from pruning.core.user_code import import_user_code

T = TypeVar("T")


class Registry(Generic[T]):
    """The plug-ins found in one package, by name.

    Parameters
    ----------
    kind
        What a plug-in is called in an error message, such as ``"diversity measure"``.
    package
        Dotted name of the package whose modules register themselves.
    base
        The class that every plug-in is of, or derives from; None checks nothing.
    user_code
        Whether ``"module:name"`` is looked up in the user's own file, and its code run.

    >>> colours: Registry[int] = Registry("colour", "pruning.scores")
    >>> _ = colours.register("red")(1)
    >>> colours.register("red")(2)
    Traceback (most recent call last):
        ...
    ValueError: colour 'red' is registered twice: by 1 and by 2
    """

    def __init__(
        self, kind: str, package: str, base: type | None = None, *, user_code: bool = False
    ) -> None:
        self.kind = kind
        self.package = package
        self.base = base
        self.user_code = user_code
        self._entries: dict[str, T] = {}
        self._discovered = False

    def register(self, name: str) -> Callable[[T], T]:
        """Return a decorator that enters its argument under `name`; twice is an error."""

        def enter(entry: T) -> T:
            self._check(name, entry)
            if name in self._entries:
                raise ValueError(
                    f"{self.kind} {name!r} is registered twice: "
                    f"by {self._entries[name]!r} and by {entry!r}"
                )
            self._entries[name] = entry
            return entry

        return enter

    def _check(self, name: str, entry: object) -> None:
        if self.base is None:
            return
        if not isinstance(entry, self.base) and not (
            isinstance(entry, type) and issubclass(entry, self.base)
        ):
            raise RequestError(
                f"{self.kind} {name!r}: {entry!r} does not derive from "
                f"{self.base.__module__}.{self.base.__name__}"
            )
        if missing := sorted(getattr(entry, "__abstractmethods__", ())):
            raise RequestError(f"{self.kind} {name!r} does not say: {', '.join(missing)}")

    def names(self) -> tuple[str, ...]:
        """Return every registered name, sorted."""
        self._discover()
        return tuple(sorted(self._entries))

    def __getitem__(self, name: str) -> T:
        """Return the plug-in; an unknown name raises `RequestError` with the known ones."""
        self._discover()
        if self.user_code and isinstance(name, str) and ":" in name:
            found = import_user_code(self.kind, name, self.names())
            self._check(name, found)
            return cast("T", found)
        if not isinstance(name, str) or name not in self._entries:
            raise unknown_name(self.kind, f"{name}", self._entries)
        return self._entries[name]

    def __contains__(self, name: object) -> bool:
        """Whether the name is registered, or may be one of the user's own."""
        self._discover()
        return name in self._entries or (self.user_code and isinstance(name, str) and ":" in name)

    def __iter__(self) -> Iterator[str]:
        return iter(self.names())

    def _discover(self) -> None:
        if self._discovered:
            return
        package = importlib.import_module(self.package)
        for module in pkgutil.iter_modules(package.__path__):
            importlib.import_module(f"{self.package}.{module.name}")
        self._discovered = True


@functools.cache
def names_in(package: str) -> tuple[str, ...]:
    """Return the names that a package's modules register, sorted, without importing any.

    They are read from the sources, in which each stands as text: ``….register("name")``.

    >>> "minimum" in names_in("pruning.scores")
    True
    """
    spec = importlib.util.find_spec(package)
    folders = (spec and spec.submodule_search_locations) or ()
    sources = [file.read_text(encoding="utf-8") for at in folders for file in Path(at).glob("*.py")]
    return tuple(sorted({name for text in sources for name in _REGISTERED.findall(text)}))


_REGISTERED = re.compile(r"""^@?[A-Z]+\.register\(["']([^"']+)["']\)""", re.MULTILINE)
