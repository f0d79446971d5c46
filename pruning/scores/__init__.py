"""Importance scores: one file per score, and the sweep that computes them.

`importance` scores the units of a network in a notebook.
"""

from typing import TYPE_CHECKING

from pruning.core.lazy import lazy_page

__all__ = [
    "SCORES",
    "Layer",
    "Score",
    "importance",
]

if TYPE_CHECKING:
    from pruning.scores.score import SCORES, Layer, Score
    from pruning.scores.scoring import importance
else:
    __getattr__, __dir__ = lazy_page(
        __name__,
        {
            "pruning.scores.score": ("SCORES", "Layer", "Score"),
            "pruning.scores.scoring": ("importance",),
        },
    )
