"""Growing a beam: teams of one more member from the teams kept, none above a dropped one."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

Teams = NDArray[np.integer[Any]]
Keys = NDArray[np.uint64]

ROWS = 1 << 17
"""Teams that are made at once."""

SIEVE = (1 << 22) - 1
"""The bits of a key that are looked up first: most teams are known by them not to be dropped."""


class Dropped:
    """The teams dropped so far, to be looked up by key.

    A team's key is the sum of fixed random 64-bit numbers, one per member, so it does not
    depend on their order. That two teams share a key has odds of about one in ten million
    where fifty million subsets are asked for; it would cost the beam one team.

    Parameters
    ----------
    members
        M.
    """

    def __init__(self, members: int) -> None:
        self.members = members
        self.codes: Keys = np.random.default_rng(0).integers(
            1, 2**64 - 1, members, np.uint64, endpoint=True
        )
        self._keys: dict[int, Keys] = {}
        self._sieves: dict[int, NDArray[np.bool_]] = {}

    def add(self, teams: Teams) -> None:
        """Enter dropped teams (T, n), all of one size."""
        keys = self.codes[teams].sum(1, dtype=np.uint64)
        self._keys[teams.shape[1]] = np.sort(keys)
        sieve = np.zeros(SIEVE + 1, bool)
        sieve[keys & np.uint64(SIEVE)] = True
        self._sieves[teams.shape[1]] = sieve

    def free(self, teams: Teams) -> NDArray[np.intp]:
        """Return the rows of teams (T, n) no proper subset of which was dropped.

        Only subsets that hold the last column's member are asked: the others are a team
        that stands.
        """
        rows = np.arange(len(teams))
        for size in sorted(self._keys):
            if size >= teams.shape[1]:
                continue
            codes = self.codes[teams[rows]].T.copy()
            clear = np.ones(len(rows), bool)
            for kept in combinations(range(teams.shape[1] - 1), size - 1):
                keys = codes[-1].copy()
                for column in kept:
                    keys += codes[column]
                hit = np.flatnonzero(self._sieves[size][keys & np.uint64(SIEVE)])
                clear[hit[np.isin(keys[hit], self._keys[size])]] = False
            rows = rows[clear]
        return rows


def grow_beam(kept: Teams, dropped: Dropped) -> NDArray[np.int16]:
    """Return teams of one more member, each once, no subset of which was dropped.

    Parameters
    ----------
    kept
        (B, n) teams that stand.
    dropped
        Teams whose supersets must not be made.

    Returns
    -------
    (T, n + 1): a kept team in the leading columns and the added member in the last, so that
    neighbours share the team they grew from.
    """
    members, size = dropped.members, kept.shape[1]
    made = [np.zeros((0, size + 1), np.int16)]
    step = max(1, ROWS // members)
    for start in range(0, len(kept), step):
        base = kept[start : start + step]
        inside = np.zeros((len(base), members), bool)
        np.put_along_axis(inside, base.astype(np.intp), True, 1)
        parent, added = np.nonzero(~inside)
        made.append(np.concatenate([base[parent], added[:, None]], 1).astype(np.int16))
    teams: NDArray[np.int16] = np.concatenate(made)
    _, first = np.unique(dropped.codes[teams].sum(1, dtype=np.uint64), return_index=True)
    teams = teams[np.sort(first)]
    free = [dropped.free(teams[at : at + ROWS]) + at for at in range(0, len(teams), ROWS)]
    grown: NDArray[np.int16] = teams[np.concatenate([np.zeros(0, np.intp), *free])]
    return grown
