"""How a team's answer is made of its members': the vote, its weights, temperature, cascade."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ensemble.calibration import LEAST_TEMPERATURE, MOST_TEMPERATURE
from ensemble.cascade import Cascade
from pruning.core.errors import RequestError
from selection.voting import VOTES


@dataclass(frozen=True)
class Combination:
    """What makes one answer of the members' probabilities.

    Attributes
    ----------
    voting
        Name of the vote; see `selection.voting`.
    weights
        One per member, non-negative, summing to 1; none are equal ones.
    temperature
        See `ensemble.calibration.fit_temperature`; 1 leaves the vote as it is.
    cascade
        See `ensemble.cascade.fit_cascade`; used where it is asked for.

    >>> Combination(weights=(0.5, 0.6))
    Traceback (most recent call last):
        ...
    pruning.core.errors.RequestError: weights (0.5, 0.6) must be numbers ≥ 0 that sum to 1
    """

    voting: str = "mean"
    weights: tuple[float, ...] = ()
    temperature: float = 1.0
    cascade: Cascade | None = None

    def __post_init__(self) -> None:
        VOTES[self.voting]
        w = np.asarray(self.weights)
        if len(w) and not ((w >= 0).all() and abs(w.sum() - 1) <= 1e-6):
            raise RequestError(f"weights {self.weights} must be numbers ≥ 0 that sum to 1")
        low, high = LEAST_TEMPERATURE, MOST_TEMPERATURE
        if not low <= self.temperature <= high:
            raise RequestError(f"temperature {self.temperature} must lie in {low:g}..{high:g}")

    def of_members(self, members: int) -> Combination:
        """Return it for a team of so many: equal weights where there are none, all checked."""
        weights = self.weights or (1 / members,) * members
        if len(weights) != members:
            raise RequestError(f"weights {self.weights} must be {members}, one for each member")
        if self.cascade is not None and len(self.cascade.order) != members:
            raise RequestError(f"cascade of {len(self.cascade.order)} for {members} members")
        return replace(self, weights=weights)
