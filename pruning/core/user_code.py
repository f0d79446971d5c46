"""What a user keeps in a file of their own, asked for as ``module:name``.

The current folder is looked in last: a file there named as a library's is not taken for it.
"""

from __future__ import annotations

import difflib
import importlib
import os
import sys
from collections.abc import Iterable
from pathlib import Path

from pruning.core.errors import RequestError
from pruning.core.torchvision_compat import open_the_door


def import_user_code(kind: str, asked: str, known: Iterable[str]) -> object:
    """Return what ``"module:name"`` means, looked up in the current folder too; its code runs.

    Parameters
    ----------
    kind
        What is looked for, such as ``"architecture"``.
    asked
        The module's dotted name, a colon, the name in it.
    known
        The names that need no module, for the error; what stands before a colon in the nearest
        is taken for what was meant, ``mlp-a:60`` for ``mlpa:60``.

    Raises
    ------
    RequestError
        If there is no such module, or it has no such name.

    >>> import_user_code("thing", "math:pi", [])
    3.141592653589793
    """
    module, _, name = asked.partition(":")
    known = tuple(known)
    meant = module.removesuffix(".py").strip("./").replace("/", ".")
    near = meant if meant != module else _nearest(module, known)
    hint = f"; did you mean '{near}:{name}'?" if near else ""
    out = f"give module:name as seen from this folder, or one of {', '.join(known)}"
    if not meant or not name or "/" in module or module.startswith("."):
        raise RequestError(f"{kind} {asked!r} is not module:name{hint}; {out}")
    if (here := os.getcwd()) not in sys.path:  # noqa: PTH109 - sys.path holds text
        sys.path.append(here)
    open_the_door()
    try:
        found = importlib.import_module(module)
        _check_not_shadowed(kind, asked, module)
        return getattr(found, name)
    except RequestError:
        raise
    except (ImportError, AttributeError) as error:
        _check_not_shadowed(kind, asked, module)
        raise RequestError(f"{kind} {asked!r} cannot be imported ({error}){hint}; {out}") from error
    except Exception as error:
        raise RequestError(
            f"{kind} {asked!r}: {module} fails when imported, "
            f"{type(error).__name__}: {' '.join(str(error).split())}"
        ) from error


def names_maker(arch: str) -> bool:
    """Whether the name of a user's architecture is a ``"module:name"`` that makes it.

    A network that was handed over is called by its class, a function by its own name alone.

    >>> names_maker("mynets:make"), names_maker("Sequential"), names_maker("make")
    (True, False, False)
    """
    return ":" in arch and not of_torch(arch)


def of_torch(asked: str) -> bool:
    """Whether a ``"module:name"`` is a class of PyTorch's, which makes no network alone.

    >>> of_torch("torch.nn.modules.container:Sequential"), of_torch("mynets:make")
    (True, False)
    """
    return asked.partition(":")[0].partition(".")[0] == "torch"


def _nearest(module: str, known: Iterable[str]) -> str | None:
    """Return the known name, as far as its colon, for which a module may be a slip.

    >>> _nearest("torchvison", ["mlp-a", "torchvision:NAME"]), _nearest("mynets", ["mlp-a"])
    ('torchvision', None)
    """
    words = {name.partition(":")[0] for name in known} - {module}
    return next(iter(difflib.get_close_matches(module, words, n=1, cutoff=0.75)), None)


def _check_not_shadowed(kind: str, asked: str, module: str) -> None:
    """Refuse a module that is not the one in the current folder, where there is one of its name."""
    here, meant = Path.cwd(), Path(*module.split("."))
    own = next((p for p in (meant.with_suffix(".py"), meant / "__init__.py") if p.is_file()), None)
    top = sys.modules.get(meant.parts[0])
    if own is None or top is None:
        return
    places = [top.__file__] if top.__file__ else list(getattr(top, "__path__", ()))
    if places and not any(Path(place).resolve().is_relative_to(here) for place in places):
        raise RequestError(
            f"{kind} {asked!r}: {own} of this folder cannot be had, for Python finds "
            f"{meant.parts[0]!r} at {places[0]}; give the file or folder another name"
        )
