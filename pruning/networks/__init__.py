"""Networks: one file per architecture, or the user's own; weights to start from."""

from typing import TYPE_CHECKING

from pruning.core.lazy import lazy_page

__all__ = [
    "NETWORKS",
    "Architecture",
    "build_network",
    "load_weights",
    "start_from",
]

if TYPE_CHECKING:
    from pruning.networks.architecture import NETWORKS, Architecture, build_network
    from pruning.networks.weights import load_weights, start_from
else:
    __getattr__, __dir__ = lazy_page(
        __name__,
        {
            "pruning.networks.architecture": ("Architecture", "NETWORKS", "build_network"),
            "pruning.networks.weights": ("load_weights", "start_from"),
        },
    )
