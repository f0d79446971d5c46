"""Build the pages of the Python API from its docstrings: ``python docs/api.py FOLDER``.

A page shows what a package or a room offers (its ``__all__``) and no more. Rooms' pages are
lazy: what they offer is fetched first, so that pdoc finds it. A warning is an error.
"""

from __future__ import annotations

import argparse
import importlib
import pkgutil
import warnings
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pdoc

PACKAGES = ("dropnet_ensemble", "pruning", "selection", "ensemble", "pipelines")


def pages() -> Iterator[ModuleType]:
    """Yield every package and room that says what it offers."""
    for package in map(importlib.import_module, PACKAGES):
        rooms = pkgutil.iter_modules(getattr(package, "__path__", ()), f"{package.__name__}.")
        names = [room.name for room in rooms if room.ispkg]
        for page in (package, *map(importlib.import_module, names)):
            if getattr(page, "__all__", None):
                yield page


def fetch(page: ModuleType) -> None:
    """Put what a lazy page offers into its namespace; a name that leads nowhere raises."""
    for name in page.__all__:
        setattr(page, name, getattr(page, name))


def main() -> None:
    """Write the pages."""
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("folder", type=Path)
    folder: Path = parser.parse_args().folder
    warnings.simplefilter("error")
    # Said wherever the command is given from the folder that holds the packages.
    warnings.filterwarnings("ignore", ".*may refer to either the installed Python module")
    # What a dataclass makes holds inherited annotations as text; pdoc shows the text.
    warnings.filterwarnings("ignore", r"Error parsing type annotation .* for .*\.__init__\.")
    found = list(pages())
    for page in found:
        fetch(page)
    pdoc.render.configure(docformat="numpy", footer_text="dropnet-ensemble")
    pdoc.pdoc(*(page.__name__ for page in found), output_directory=folder)


if __name__ == "__main__":
    main()
