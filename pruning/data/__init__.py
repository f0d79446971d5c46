"""Data sets as stratified, disjoint parts: `Splits`."""

from typing import TYPE_CHECKING

from pruning.core.lazy import lazy_page

__all__ = [
    "Loaded",
    "SkippedFile",
    "Split",
    "Splits",
    "load_splits",
]

if TYPE_CHECKING:
    from pruning.data.load import load_splits
    from pruning.data.loaded import Loaded, SkippedFile
    from pruning.data.splits import Split, Splits
else:
    __getattr__, __dir__ = lazy_page(
        __name__,
        {
            "pruning.data.load": ("load_splits",),
            "pruning.data.loaded": ("Loaded", "SkippedFile"),
            "pruning.data.splits": ("Split", "Splits"),
        },
    )
