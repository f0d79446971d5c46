"""A team, and the record of why it was chosen."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Team = tuple[int, ...]
"""Sorted pool rows, each at most once."""


@dataclass(frozen=True)
class Selection:
    """What a selection method chose.

    Attributes
    ----------
    team
        Names of the chosen pool rows, in pool order.
    pool
        Names of all rows that stood to choice.
    method
        Name of the method, such as ``"hq"``.
    options
        The method's settings, as plain JSON values.
    voting
        Name of the vote the team uses, such as ``"mean"``.
    weights
        One per member of the team, summing to 1.
    accuracy
        The team's accuracy on the selection split, in 0..1.
    candidates
        Structured array of the best candidate teams with why they stand or fell.
    """

    team: tuple[str, ...]
    pool: tuple[str, ...]
    method: str
    options: dict[str, object]
    voting: str
    weights: tuple[float, ...]
    accuracy: float
    candidates: NDArray[np.void]
