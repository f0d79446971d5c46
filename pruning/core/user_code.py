"""What a user keeps in a file of their own, asked for as ``module:name``."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Iterable

from pruning.core.errors import RequestError


def import_user_code(kind: str, asked: str, known: Iterable[str]) -> object:
    """Return what ``"module:name"`` means, looked up in the current folder too; its code runs.

    Parameters
    ----------
    kind
        What is looked for, such as ``"architecture"``.
    asked
        The module's dotted name, a colon, the name in it.
    known
        The names that need no module, for the error.

    Raises
    ------
    RequestError
        If there is no such module, or it has no such name.

    >>> import_user_code("thing", "math:pi", [])
    3.141592653589793
    """
    module, _, name = asked.partition(":")
    meant = module.removesuffix(".py").strip("./").replace("/", ".")
    hint = f"; did you mean '{meant}:{name}'?" if meant != module else ""
    out = f"give module:name as seen from this folder, or one of {', '.join(known)}"
    if not meant or not name or "/" in module or module.startswith("."):
        raise RequestError(f"{kind} {asked!r} is not module:name{hint}; {out}")
    if (here := os.getcwd()) not in sys.path:  # noqa: PTH109 - sys.path holds text
        sys.path.insert(0, here)
    try:
        return getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError) as error:
        raise RequestError(f"{kind} {asked!r} cannot be imported ({error}){hint}; {out}") from error
    except Exception as error:
        raise RequestError(
            f"{kind} {asked!r}: {module} fails when imported, "
            f"{type(error).__name__}: {' '.join(str(error).split())}"
        ) from error
