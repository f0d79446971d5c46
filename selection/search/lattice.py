"""Teams level by level: those of n members from those of n − 1 that still stand.

As in frequent-itemset mining, a team is made only when every one of its subsets stands;
no superset of a dropped team is ever made.
"""

from __future__ import annotations

from math import comb
from typing import Any

import numpy as np
from numpy.typing import NDArray

Teams = NDArray[np.integer[Any]]

ROWS = 1 << 16
"""Teams that are grown at once."""

MOST_TEAMS = 5_000_000
"""The most teams of a pool that are all looked at."""


def all_teams(members: int | NDArray[np.integer[Any]], size: int) -> NDArray[np.int16]:
    """Return every team of a size, in lexicographic order, (C(M, size), size).

    >>> all_teams(3, 2).tolist()
    [[0, 1], [0, 2], [1, 2]]
    """
    rows = np.arange(members) if isinstance(members, int) else np.sort(members)
    teams = np.zeros((1, 0), np.int16)
    for n in range(size):
        last = teams[:, -1].astype(np.int64) if n else np.full(1, -1)
        room = len(rows) - 1 - last
        parent = np.repeat(np.arange(len(teams)), room)
        start = np.repeat(np.cumsum(room) - room, room)
        added = last[parent] + 1 + np.arange(len(parent)) - start
        teams = np.concatenate([teams[parent], added[:, None].astype(np.int16)], 1)
    return rows.astype(np.int16)[teams] if size else teams


class Ranks:
    """A team's place among all sorted teams of its size (the combinatorial number system).

    >>> Ranks(5, 2).of(np.array([[0, 1], [0, 2], [1, 2], [3, 4]]))
    array([0, 1, 2, 9])
    """

    def __init__(self, members: int, size: int) -> None:
        wrap = 2**64
        self._table = np.array(
            [[comb(m, n + 1) % wrap for n in range(size)] for m in range(members)], np.uint64
        ).reshape(members, size)

    def of(self, teams: Teams) -> NDArray[np.int64]:
        """Return (T,) ranks in 0..C(M, S)−1; beyond 2⁶⁴ teams they wrap, as a hash."""
        total = np.zeros(len(teams), np.uint64)
        for n in range(teams.shape[1]):
            total += self._table[teams[:, n], n]
        return total.view(np.int64)


def grow(standing: Teams, members: int) -> NDArray[np.int16]:
    """Return the teams of one more member all of whose subsets of size n stand.

    Parameters
    ----------
    standing
        (T, n) sorted rows, in lexicographic order: the teams of size n that stand.
    members
        M.

    Returns
    -------
    (T', n + 1) sorted rows, in lexicographic order.

    >>> grow(np.array([[0, 1], [0, 2], [1, 2], [1, 3]]), 4).tolist()
    [[0, 1, 2]]
    """
    size = standing.shape[1]
    ranks = Ranks(members, size)
    follows = np.zeros((comb(members, size - 1), members), bool)
    follows[ranks.of(standing[:, :-1]), standing[:, -1]] = True
    made = [np.zeros((0, size + 1), np.int16)]
    for start in range(0, len(standing), ROWS):
        base = standing[start : start + ROWS]
        may = base[:, -1:] < np.arange(members)
        for left_out in range(size):
            may &= follows[ranks.of(np.delete(base, left_out, 1))]
        parent, added = np.nonzero(may)
        made.append(np.concatenate([base[parent], added[:, None]], 1).astype(np.int16))
    return np.concatenate(made)
