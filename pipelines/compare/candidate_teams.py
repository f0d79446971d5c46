"""The teams that a selection method looked at, as far as they can be drawn."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from selection.team import Selection


@dataclass(frozen=True, eq=False)
class Candidates:
    """Teams of the chosen one's size that a method looked at, the chosen one first.

    Attributes
    ----------
    teams
        Names of each team's members.
    accuracy
        (T,) on ``select``.
    diversity
        (T,) the method's own; more is more diverse.
    stands
        (T,) whether the method kept the team to the end.
    """

    teams: tuple[tuple[str, ...], ...]
    accuracy: NDArray[np.float64]
    diversity: NDArray[np.float64]
    stands: NDArray[np.bool_]


def candidates(selection: Selection) -> Candidates | None:
    """Return the candidates that can be drawn; None where the method recorded none."""
    table = selection.candidates
    wanted = {"team", "size", "accuracy", "diversity", "fell_at", "chosen"}
    if not wanted <= set(table.dtype.names or ()):
        return None
    rows = table[(table["size"] == len(selection.team)) & np.isfinite(table["diversity"])]
    if not rows["chosen"].any():
        return None
    rows = rows[np.argsort(~rows["chosen"], kind="stable")]
    teams = tuple(
        tuple(selection.pool[int(row)] for row in text.split()) for text in rows["team"].tolist()
    )
    return Candidates(teams, rows["accuracy"], rows["diversity"], rows["fell_at"] == 0)
