"""Lazy pages: a package that offers names of its files and imports a file when one is asked for.

A page says three times what it offers, each time in a form that a tool can read: the imports
under ``TYPE_CHECKING`` for type checkers, ``__all__`` for readers and linters, the homes for
Python. ``tests/test_pages.py`` holds the three together::

    from typing import TYPE_CHECKING

    from pruning.core.lazy import lazy_page

    __all__ = ["Splits"]

    if TYPE_CHECKING:
        from pruning.data.splits import Splits
    else:
        __getattr__, __dir__ = lazy_page(__name__, {"pruning.data.splits": ("Splits",)})

No name on a page may be that of a file or room beside it: importing the file would put the
module in the name's place.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Mapping


def lazy_page(
    page: str, homes: Mapping[str, tuple[str, ...]]
) -> tuple[Callable[[str], object], Callable[[], list[str]]]:
    """Return a package's ``__getattr__`` and ``__dir__``.

    Parameters
    ----------
    page
        The package's ``__name__``.
    homes
        Module → the names that it defines and the page offers.

    >>> get, names = lazy_page("pruning", {"math": ("e", "pi")})
    >>> get("pi"), {"e", "pi"} <= set(names())
    (3.141592653589793, True)
    """
    module_of = {name: module for module, names in homes.items() for name in names}

    def get(name: str) -> object:
        if name not in module_of:
            raise AttributeError(
                f"module {page!r} has no attribute {name!r}", name=name, obj=sys.modules[page]
            )
        value: object = getattr(importlib.import_module(module_of[name]), name)
        setattr(sys.modules[page], name, value)
        return value

    def names() -> list[str]:
        return sorted(module_of.keys() | vars(sys.modules[page]).keys())

    return get, names
