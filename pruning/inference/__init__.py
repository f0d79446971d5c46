"""Network → probabilities, and what a network costs."""

from typing import TYPE_CHECKING

from pruning.core.lazy import lazy_page

__all__ = [
    "Cost",
    "UncountedOperationWarning",
    "count_cost",
    "predict_probabilities",
]

if TYPE_CHECKING:
    from pruning.inference.cost import Cost, UncountedOperationWarning, count_cost
    from pruning.inference.probabilities import predict_probabilities
else:
    __getattr__, __dir__ = lazy_page(
        __name__,
        {
            "pruning.inference.cost": ("Cost", "UncountedOperationWarning", "count_cost"),
            "pruning.inference.probabilities": ("predict_probabilities",),
        },
    )
