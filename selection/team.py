"""A team, and the record of why it was chosen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

Team = tuple[int, ...]
"""Sorted pool rows, each at most once."""


def as_team(rows: NDArray[np.integer[Any]] | list[int]) -> Team:
    """Return rows as a team.

    >>> as_team([3, 0])
    (0, 3)
    """
    return tuple(sorted(int(row) for row in rows))


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

    def to_json(self) -> dict[str, object]:
        """Return everything but the candidates (a table of their own) as plain JSON values."""
        plain: dict[str, object] = {}
        for item in fields(self):
            value = getattr(self, item.name)
            if item.name != "candidates":
                plain[item.name] = list(value) if isinstance(value, tuple) else value
        return plain

    @classmethod
    def from_json(
        cls, data: Mapping[str, Any], candidates: NDArray[np.void] | None = None
    ) -> Selection:
        """Return the selection `to_json` wrote, with its candidates where given."""
        known = {item.name for item in fields(cls)} - {"candidates"}
        values: dict[str, Any] = {
            k: tuple(v) if isinstance(v, list) else v for k, v in data.items() if k in known
        }
        empty = np.zeros(0, [("team", "U1")])
        return cls(**values, candidates=empty if candidates is None else candidates)
