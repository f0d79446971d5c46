"""Data-free pruning (Srinivas & Babu 2015): merging similar units of a trained network."""

from typing import TYPE_CHECKING

from pruning.core.lazy import lazy_page

__all__ = [
    "DataFree",
    "Merging",
    "datafree",
    "prune_data_free",
]

if TYPE_CHECKING:
    from pruning.datafree.members import datafree
    from pruning.datafree.network import DataFree, prune_data_free
    from pruning.datafree.settings import Merging
else:
    __getattr__, __dir__ = lazy_page(
        __name__,
        {
            "pruning.datafree.members": ("datafree",),
            "pruning.datafree.network": ("DataFree", "prune_data_free"),
            "pruning.datafree.settings": ("Merging",),
        },
    )
