"""The one door to torchvision; it also opens beside a CPU-only torch.

torchvision's wheels hold operators built for CUDA. Beside a CPU build of torch that library
does not load, and ``import torchvision`` stops at the first operator it wants to describe:
``operator torchvision::nms does not exist``. Only the operators' schemas are missing; no
data set, model or transform calls them. Where the library loads, nothing is touched.
"""

from __future__ import annotations

import functools
import importlib
import importlib.util
import sys
from importlib.abc import MetaPathFinder
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

_BOXES = "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"
SCHEMAS = {"nms": _BOXES, "qnms": _BOXES}


def import_torchvision() -> ModuleType:
    """Return the module ``torchvision``, with its operators where they work.

    Without them, calling one (non-maximum suppression) raises; all else works.

    Raises
    ------
    ImportError
        When torchvision is not installed, or does not fit this torch.

    >>> import_torchvision().__name__
    'torchvision'
    """
    if "torchvision" not in sys.modules:
        spec = importlib.util.find_spec("torchvision")
        if spec is None or spec.origin is None:
            raise ImportError("torchvision is not installed; pip install torchvision")
        _prepare(Path(spec.origin).parent)
    try:
        return importlib.import_module("torchvision")
    except RuntimeError as error:
        raise ImportError(
            f"torchvision does not fit this torch: {str(error).splitlines()[0]}; "
            "install the torchvision that was released with it"
        ) from error


def open_the_door() -> None:
    """Make ``import torchvision`` work in code that is not ours, whenever it is imported."""
    if "torchvision" not in sys.modules and not any(
        isinstance(finder, _Door) for finder in sys.meta_path
    ):
        sys.meta_path.insert(0, _Door())


class _Door(MetaPathFinder):
    """Finds nothing; when torchvision is looked for, what it misses is defined first."""

    def find_spec(self, fullname: str, path: object, target: object = None) -> None:
        """Return None: whoever comes next finds the module."""
        if fullname == "torchvision":
            sys.meta_path.remove(self)
            spec = importlib.util.find_spec(fullname)
            if spec is not None and spec.origin is not None:
                _prepare(Path(spec.origin).parent)


def _prepare(package: Path) -> None:
    if not _operators_load(package):
        _define_missing_schemas()


def _operators_load(package: Path) -> bool:
    """Load the operators as torchvision itself will; loading twice does no harm."""
    import torch

    library = next((p for s in EXTENSION_SUFFIXES if (p := package / f"_C{s}").is_file()), None)
    if library is None:
        return False
    try:
        torch.ops.load_library(library)  # type: ignore[no-untyped-call]
    except OSError:
        return False
    return True


@functools.cache
def _define_missing_schemas() -> torch.library.Library:
    """Define the schemas that are absent; they live as long as the library returned."""
    import torch

    library = torch.library.Library("torchvision", "FRAGMENT")  # type: ignore[no-untyped-call]
    for name, schema in SCHEMAS.items():
        if not hasattr(torch.ops.torchvision, name):
            library.define(name + schema)  # type: ignore[no-untyped-call]
    return library
