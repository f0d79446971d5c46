"""M → S: choose, of M networks' predictions, the S that vote best together. NumPy only.

>>> import numpy as np
>>> from selection import select
>>> probabilities = np.random.default_rng(0).dirichlet(np.ones(3), (8, 90))  # (M, N, C)
>>> chosen = select(probabilities, np.arange(90) % 3, size=3)
>>> len(chosen.rows), chosen.voting
(3, 'mean')
"""

from typing import TYPE_CHECKING

from pruning.core.lazy import lazy_page

__all__ = [
    "MEASURES",
    "METHODS",
    "VOTES",
    "Budget",
    "HierarchicalSelection",
    "Measure",
    "PairMeasure",
    "PoolCosts",
    "PoolPredictions",
    "Selection",
    "SelectionMethod",
    "SoftSelection",
    "Vote",
    "read_predictions",
    "select",
    "select_team",
    "team_diversity",
    "vote",
]

if TYPE_CHECKING:
    from selection.choosing import select, select_team
    from selection.costs import Budget, PoolCosts
    from selection.exchange import read_predictions
    from selection.measures import MEASURES, Measure, PairMeasure, team_diversity
    from selection.methods.hq import HierarchicalSelection
    from selection.methods.method import METHODS, SelectionMethod
    from selection.methods.soft import SoftSelection
    from selection.pool import PoolPredictions
    from selection.team import Selection
    from selection.voting import VOTES, Vote, vote
else:
    __getattr__, __dir__ = lazy_page(
        __name__,
        {
            "selection.choosing": ("select", "select_team"),
            "selection.costs": ("Budget", "PoolCosts"),
            "selection.exchange": ("read_predictions",),
            "selection.measures": ("MEASURES", "Measure", "PairMeasure", "team_diversity"),
            "selection.methods.hq": ("HierarchicalSelection",),
            "selection.methods.method": ("METHODS", "SelectionMethod"),
            "selection.methods.soft": ("SoftSelection",),
            "selection.pool": ("PoolPredictions",),
            "selection.team": ("Selection",),
            "selection.voting": ("VOTES", "Vote", "vote"),
        },
    )
