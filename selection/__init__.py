"""M → S: choose, of M networks' predictions, the S that vote best together. NumPy only.

>>> import numpy as np
>>> from selection import select
>>> probabilities = np.random.default_rng(0).dirichlet(np.ones(3), (8, 90))  # (M, N, C)
>>> chosen = select(probabilities, np.arange(90) % 3, size=3)
>>> len(chosen.rows), chosen.voting
(3, 'mean')
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

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

_HOMES = {
    "MEASURES": "selection.measures",
    "METHODS": "selection.methods.method",
    "VOTES": "selection.voting",
    "Budget": "selection.costs",
    "PoolCosts": "selection.costs",
    "HierarchicalSelection": "selection.methods.hq",
    "Measure": "selection.measures",
    "PairMeasure": "selection.measures",
    "PoolPredictions": "selection.pool",
    "Selection": "selection.team",
    "SelectionMethod": "selection.methods.method",
    "SoftSelection": "selection.methods.soft",
    "Vote": "selection.voting",
    "read_predictions": "selection.exchange",
    "select": "selection.choosing",
    "select_team": "selection.choosing",
    "team_diversity": "selection.measures",
    "vote": "selection.voting",
}
"""Where each name of this page lives; a module is imported when its name is first asked for."""

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
]  # fmt: skip


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module 'selection' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return __all__
