"""A finished run becomes numbers: contenders, how sure we are, time and memory."""

from typing import TYPE_CHECKING

from pruning.core.lazy import lazy_page

__all__ = [
    "Comparison",
    "Contender",
    "Evidence",
    "OtherForms",
    "against_the_first",
    "comparison_of",
]

if TYPE_CHECKING:
    from pipelines.compare.between_runs import against_the_first
    from pipelines.compare.comparison import Comparison
    from pipelines.compare.contenders import Contender, OtherForms
    from pipelines.compare.evidence import Evidence
    from pipelines.compare.from_evidence import comparison_of
else:
    __getattr__, __dir__ = lazy_page(
        __name__,
        {
            "pipelines.compare.between_runs": ("against_the_first",),
            "pipelines.compare.comparison": ("Comparison",),
            "pipelines.compare.contenders": ("Contender", "OtherForms"),
            "pipelines.compare.evidence": ("Evidence",),
            "pipelines.compare.from_evidence": ("comparison_of",),
        },
    )
