"""A team, and the record of why it was chosen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pruning.core.array_values import ArrayValue
from selection.facts import FrontPoint, FullTeams, LevelCount, MemberShare, Optimism

Team = tuple[int, ...]
"""Sorted pool rows, each at most once."""


def as_team(rows: NDArray[np.integer[Any]] | list[int]) -> Team:
    """Return rows as a team.

    >>> as_team([3, 0])
    (0, 3)
    """
    return tuple(sorted(int(row) for row in rows))


@dataclass(frozen=True, eq=False)
class Selection(ArrayValue):
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
        Structured array of the best candidate teams with why they stand or fell; see
        `selection.search.candidates.candidate_table`.
    members
        What each member of the team is to it.
    levels
        Counts of the teams looked at, by size.
    front
        Accuracy against each known cost: the teams looked at that no cheaper one matches.
    optimism
        By how much the accuracy overstates, where it was estimated.
    full
        How many teams of the size asked for fit the budget; None where every one does.
    """

    team: tuple[str, ...]
    pool: tuple[str, ...]
    method: str
    options: dict[str, object]
    voting: str
    weights: tuple[float, ...]
    accuracy: float
    candidates: NDArray[np.void]
    members: tuple[MemberShare, ...] = ()
    levels: tuple[LevelCount, ...] = ()
    front: tuple[FrontPoint, ...] = ()
    optimism: Optimism | None = None
    full: FullTeams | None = None

    @property
    def rows(self) -> Team:
        """The chosen pool rows, as numbers."""
        return tuple(self.pool.index(name) for name in self.team)

    def to_json(self) -> dict[str, object]:
        """Return everything but the candidates (a table of their own) as plain JSON values.

        `full` is there where a budget limited the choice.
        """
        shell = replace(self, candidates=np.zeros(0, [("team", "U1")]))
        unsaid = {"candidates"} | ({"full"} if self.full is None else set())
        plain = {k: v for k, v in asdict(shell).items() if k not in unsaid}
        return {k: _plain(v) for k, v in plain.items()}

    @classmethod
    def from_json(
        cls, data: Mapping[str, Any], candidates: NDArray[np.void] | None = None
    ) -> Selection:
        """Return the selection `to_json` wrote, with its candidates where given."""
        values: dict[str, Any] = {
            item.name: data[item.name]
            for item in fields(cls)
            if item.name not in ("candidates", "full")
        }
        for name in ("team", "pool", "weights"):
            values[name] = tuple(values[name])
        values["members"] = tuple(MemberShare(**row) for row in data["members"])
        values["levels"] = tuple(LevelCount(**row) for row in data["levels"])
        values["front"] = tuple(
            FrontPoint(**{**row, "team": tuple(row["team"])}) for row in data["front"]
        )
        known, full = data["optimism"], data.get("full")
        values["optimism"] = None if known is None else Optimism(**known)
        values["full"] = None if full is None else FullTeams(**full)
        empty = np.zeros(0, [("team", "U1")])
        return cls(**values, candidates=empty if candidates is None else candidates)


def _plain(value: Any) -> Any:
    """Return a value with its tuples as lists, all the way down."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value
