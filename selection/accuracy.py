"""How many samples a team's vote gets right: exact, for millions of teams.

A vote that adds scores is wrong on a sample when, for some other class, the members'
margins (score of the true class minus score of that class) sum below zero. A (sample,
class) column that no team of a size can bring below zero is left out, a sample every team
gets wrong is counted once; few columns stay, and their sums are one matrix product.

Scores are rounded to whole steps (about a millionth), small enough in number that their
sums are exact in floating point: the answer does not hang on the order of summation, and
ties are ties.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from selection.pool import PoolPredictions
from selection.voting import VOTES, Vote

CELLS = 1 << 21
SINGLE_BITS, DOUBLE_BITS = 22, 50
SINGLE_SIZE = 16


@dataclass(frozen=True)
class Columns:
    """Margins of the (sample, class) columns that can go either way.

    Attributes
    ----------
    margins
        (M, K) whole numbers.
    draw
        (K,) ½ where a tie is lost (the other class comes first), else 0.
    sample
        (K,) which sample, rising.
    """

    margins: NDArray[Any]
    draw: NDArray[Any]
    sample: NDArray[np.intp]


@dataclass(frozen=True)
class Layout:
    """Columns for one team size: first one column of every sample, then second ones, ….

    Attributes
    ----------
    margins, draw
        As in `Columns`, reordered.
    widths
        How many samples have a first, second, … column; not rising.
    lost
        Samples every team of this size gets wrong.
    """

    margins: NDArray[Any]
    draw: NDArray[Any]
    widths: tuple[int, ...]
    lost: int


class TeamAccuracy:
    """Counts the samples teams get right on one pool under one vote.

    Parameters
    ----------
    pool
        The members' predictions.
    voting
        Name of the vote.
    size
        The largest team that will be asked for.
    """

    def __init__(self, pool: PoolPredictions, voting: str, size: int) -> None:
        self.pool = pool
        self.vote: Vote = VOTES[voting]()
        scores = self.vote.scores(pool.probabilities, pool.labels, size)
        self._columns = None if scores is None else _columns(scores, pool.labels, size)
        self._layouts: dict[int, Layout] = {}

    def right(self, teams: NDArray[np.integer[Any]]) -> NDArray[np.int64]:
        """Return (T,) the number of samples each team (T, S) gets right."""
        if self._columns is None:
            return self._right_by_vote(teams)
        size = teams.shape[1]
        if size not in self._layouts:
            self._layouts[size] = _lay_out(self._columns, size)
        layout = self._layouts[size]
        out = np.empty(len(teams), np.int64)
        step = max(64, CELLS // max(1, layout.margins.shape[1]))
        for start in range(0, len(teams), step):
            out[start : start + step] = _wrong(layout, teams[start : start + step])
        right: NDArray[np.int64] = len(self.pool.labels) - layout.lost - out
        return right

    def _right_by_vote(self, teams: NDArray[np.integer[Any]]) -> NDArray[np.int64]:
        open_ = (self.pool.predictions != self.pool.labels).any(0)
        probabilities, labels = self.pool.probabilities[:, open_], self.pool.labels[open_]
        equal = np.full(teams.shape[1], 1 / teams.shape[1])
        step = max(1, CELLS // max(1, probabilities[0].size * teams.shape[1]))
        out = np.empty(len(teams), np.int64)
        for start in range(0, len(teams), step):
            part = slice(start, start + step)
            voted = self.vote(probabilities[teams[part]], equal).argmax(-1)
            out[part] = (voted == labels).sum(1)
        out += int((~open_).sum())
        return out


def _columns(scores: NDArray[Any], labels: NDArray[np.int64], size: int) -> Columns:
    """Return the columns some member brings below zero, in whole steps."""
    single = size <= SINGLE_SIZE
    kind = np.float32 if single else np.float64
    top = float(scores.max()) or 1.0
    step = 2.0 ** np.floor(np.log2(2.0 ** (SINGLE_BITS if single else DOUBLE_BITS) / (size * top)))
    members, samples, classes = scores.shape
    block = max(1, CELLS // (members * classes))
    parts: list[Columns] = []
    for start in range(0, samples, block):
        y = labels[start : start + block]
        whole = np.rint(scores[:, start : start + block].astype(np.float64) * step)
        own = np.take_along_axis(whole, np.broadcast_to(y[:, None], (members, len(y), 1)), 2)
        draw = np.where(np.arange(classes) < y[:, None], 0.5, 0.0)
        margins = own - whole
        at, other = np.nonzero((margins < draw).any(0) & (np.arange(classes) != y[:, None]))
        parts.append(
            Columns(margins[:, at, other].astype(kind), draw[at, other].astype(kind), at + start)
        )
    return Columns(
        np.concatenate([p.margins for p in parts], 1),
        np.concatenate([p.draw for p in parts]),
        np.concatenate([p.sample for p in parts]),
    )


def _lay_out(columns: Columns, size: int) -> Layout:
    """Keep the columns a team of this size can lose but need not, sample by sample."""
    ordered = np.sort(columns.margins, axis=0)
    least = ordered[:size].sum(0) - columns.draw
    most = ordered[-size:].sum(0) - columns.draw
    lost = np.unique(columns.sample[most < 0])
    keep = (least < 0) & ~np.isin(columns.sample, lost)
    sample = columns.sample[keep]
    _, first, number = np.unique(sample, return_index=True, return_counts=True)
    turn = np.arange(len(sample)) - np.repeat(first, number)
    order = np.lexsort((-np.repeat(number, number), turn))
    widths = tuple(int((number > k).sum()) for k in range(int(number.max(initial=0))))
    margins = np.ascontiguousarray(columns.margins[:, keep][:, order])
    return Layout(margins, columns.draw[keep][order], widths, len(lost))


def _wrong(layout: Layout, teams: NDArray[np.integer[Any]]) -> NDArray[np.int64]:
    """Return (T,) how many of the layout's samples each team gets wrong."""
    if not layout.widths:
        return np.zeros(len(teams), np.int64)
    chosen = np.zeros((len(teams), len(layout.margins)), layout.margins.dtype)
    np.put_along_axis(chosen, teams.astype(np.intp), 1, 1)
    sums = chosen @ layout.margins
    sums -= layout.draw
    worst = sums[:, : layout.widths[0]]
    start = layout.widths[0]
    for width in layout.widths[1:]:
        np.minimum(worst[:, :width], sums[:, start : start + width], out=worst[:, :width])
        start += width
    return np.count_nonzero(worst < 0, axis=1).astype(np.int64)
