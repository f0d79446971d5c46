"""Which samples a team can lose at all, and how many it loses.

An additive vote is wrong on a sample when, for some other class, the members' margins
(score of the true class minus score of that class) sum below zero. Each such (sample,
class) is a column. A column that no team of a size can bring below zero is left out, and a
sample every team gets wrong is counted once: on samples where all members agree nothing is
left to do. The same is asked again of each group of teams that share their first members.

Scores are rounded to whole steps (about a millionth), small enough in number that their
sums are exact in floating point: the answer does not depend on the order of summation, and
ties are ties.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

BLOCK = 1 << 21
"""Numbers held at once where columns are made, members × samples × classes."""

CELLS = 1 << 15
"""Numbers held at once where teams are counted, teams × columns: they stay in the cache."""

SINGLE_BITS, DOUBLE_BITS = 22, 50
"""Bits of the sum of a team's steps: two fewer than float32 and float64 hold exactly."""

SINGLE_SIZE = 16
"""Larger teams are counted in float64: float32 would leave each member too few steps."""


@dataclass(frozen=True, eq=False)
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


@dataclass(frozen=True, eq=False)
class Bounds:
    """Columns that teams of one size can lose but need not lose.

    Attributes
    ----------
    columns
        Those columns.
    least, most
        (size + 1, K): the sum of the r least and of the r greatest margins of a column.
    lost
        Samples every team of this size gets wrong.
    """

    columns: Columns
    least: NDArray[Any]
    most: NDArray[Any]
    lost: int


def in_whole_steps(scores: NDArray[Any], size: int) -> NDArray[Any]:
    """Return scores as whole numbers whose sums over a team are exact in their dtype."""
    single = size <= SINGLE_SIZE
    top = float(scores.max()) or 1.0
    bits = SINGLE_BITS if single else DOUBLE_BITS
    step = 2.0 ** np.floor(np.log2(2.0**bits / (size * top)))
    whole: NDArray[Any] = np.rint(scores * step).astype(np.float32 if single else np.float64)
    return whole


def columns_of(scores: NDArray[Any], labels: NDArray[np.int64]) -> Columns:
    """Return the columns some member brings below zero."""
    members, samples, classes = scores.shape
    block = max(1, BLOCK // (members * classes))
    parts: list[Columns] = []
    for start in range(0, samples, block):
        y = labels[start : start + block]
        part = scores[:, start : start + block]
        own = np.take_along_axis(part, np.broadcast_to(y[:, None], (members, len(y), 1)), 2)
        draw = np.where(np.arange(classes) < y[:, None], 0.5, 0.0).astype(scores.dtype)
        margins = own - part
        at, other = np.nonzero((margins < draw).any(0) & (np.arange(classes) != y[:, None]))
        parts.append(Columns(margins[:, at, other], draw[at, other], at + start))
    return Columns(
        np.concatenate([p.margins for p in parts], 1),
        np.concatenate([p.draw for p in parts]),
        np.concatenate([p.sample for p in parts]),
    )


def bounds_of(columns: Columns, size: int) -> Bounds:
    """Keep the columns a team of this size can lose but need not."""
    ordered = np.sort(columns.margins, axis=0)
    none = np.zeros((1, ordered.shape[1]), ordered.dtype)
    least = np.concatenate([none, np.cumsum(ordered[:size], 0)])
    most = np.concatenate([none, np.cumsum(ordered[::-1][:size], 0)])
    lost = np.unique(columns.sample[most[size] < columns.draw])
    keep = (least[size] < columns.draw) & ~np.isin(columns.sample, lost)
    at = np.flatnonzero(keep)
    kept = Columns(columns.margins.take(at, 1), columns.draw[at], columns.sample[at])
    return Bounds(kept, least.take(at, 1), most.take(at, 1), len(lost))


def wrong_in_run(
    bounds: Bounds, prefix: NDArray[np.integer[Any]], rest: NDArray[np.integer[Any]]
) -> NDArray[np.int64]:
    """Return (T,) how many samples each team, `prefix` and a row of `rest`, gets wrong."""
    columns, free = bounds.columns, rest.shape[1]
    base = columns.margins[prefix].sum(0) - columns.draw
    lost = np.zeros(int(columns.sample.max(initial=-1)) + 1, bool)
    lost[columns.sample[base + bounds.most[free] < 0]] = True
    open_ = np.flatnonzero((base + bounds.least[free] < 0) & ~lost[columns.sample])
    order, widths = _by_turn(columns.sample[open_])
    open_ = open_[order]
    base, margins = base[open_], columns.margins.take(open_, 1)
    wrong = np.full(len(rest), int(lost.sum()))
    step = max(8, CELLS // max(1, len(open_)))
    for start in range(0, len(rest) if widths else 0, step):
        part = rest[start : start + step]
        sums = base + margins.take(part[:, 0], 0) if free else base[None]
        for column in range(1, free):
            sums += margins.take(part[:, column], 0)
        wrong[start : start + step] += _samples_below_zero(sums, widths)
    return wrong


def _by_turn(sample: NDArray[np.intp]) -> tuple[NDArray[np.intp], list[int]]:
    """Order columns: the first of every sample, then the second ones, …; and how many of each.

    Samples with more columns come first, so that the columns of a turn lie under the
    leading ones of the turn before.
    """
    new = np.flatnonzero(np.concatenate(([True], sample[1:] != sample[:-1])))[: len(sample)]
    number = np.diff(np.append(new, len(sample)))
    turn = np.arange(len(sample)) - np.repeat(new, number)
    most = int(number.max(initial=0))
    order = np.argsort(turn * (most + 1) + most - np.repeat(number, number), kind="stable")
    return order, [int((number > k).sum()) for k in range(most)]


def _samples_below_zero(sums: NDArray[Any], widths: list[int]) -> NDArray[np.int64]:
    """Return (T,) in how many samples some column is below zero."""
    worst = sums[:, : widths[0]]
    start = widths[0]
    for width in widths[1:]:
        np.minimum(worst[:, :width], sums[:, start : start + width], out=worst[:, :width])
        start += width
    return np.asarray(np.count_nonzero(worst < 0, axis=1), np.int64)
