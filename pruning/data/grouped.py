"""Cutting a data set so that samples of one group, such as a patient, never stand in two parts."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pruning.core.errors import RequestError
from pruning.data.raw import RawData
from pruning.data.stratify import SHARES, SHARES_BESIDE_TEST, Partition

DRAWS = 10
"""Random orders in which the groups are dealt out; the one that comes nearest counts."""


def partition_by_group(raw: RawData, groups: ArrayLike, rng: np.random.Generator) -> Partition:
    """Deal whole groups out, so that each part comes near to its share of each class.

    The shares are those of `pruning.data.stratify.partition`. The largest groups go first, each
    to the part in which it brings the counts of classes nearest to those wanted (χ²).

    Parameters
    ----------
    raw
        The data set; a published test part stays as it is and has no groups.
    groups
        (N,) integers or strings, the group of each sample besides a published test part.
    rng
        Where the randomness comes from.

    Raises
    ------
    RequestError
        When groups are of another number or type, or a class would be absent from a part.
    """
    if raw.val_from is not None:
        raise RequestError(
            "`groups` decide where samples go, and the parts are given; leave the groups out"
        )
    count = raw.count
    names = np.asarray(groups)
    if names.shape != (count,) or names.dtype.kind not in "iuUO":
        raise RequestError(
            f"groups have shape {names.shape} and type {names.dtype}; allowed ({count},) integers "
            "or strings, one for each sample"
        )
    group_of: NDArray[np.int64] = np.unique(names.astype(np.str_), return_inverse=True)[1]
    held = np.zeros((group_of.max() + 1, len(raw.classes)))
    np.add.at(held, (group_of, raw.labels[:count]), 1)
    shares = np.array(SHARES if raw.test_from is None else SHARES_BESIDE_TEST)
    deals = [_deal(held, shares, rng) for _ in range(DRAWS)]
    part_of, filled = min(deals, key=lambda deal: _badness(deal[1], held, shares))
    _check_all_there(raw, held, filled)
    parts = [
        rng.permutation(np.flatnonzero(part_of[group_of] == part)) for part in range(len(shares))
    ]
    if raw.test_from is not None:
        parts.append(np.arange(count, len(raw.labels)))
    train, val, select, test = parts
    return Partition(train, val, select, test)


def _deal(
    held: NDArray[np.float64], shares: NDArray[np.float64], rng: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return the part of each group, and the (parts, classes) counts that result."""
    order = rng.permutation(len(held))
    order = order[np.argsort(-held[order].sum(1), kind="stable")]
    wanted = shares[:, None] * held.sum(0)
    filled = np.zeros_like(wanted)
    part_of = np.zeros(len(held), np.int64)
    for group in order:
        short = wanted - filled
        change = ((short - held[group]) ** 2 - short**2) / wanted
        part_of[group] = change.sum(1).argmin()
        filled[part_of[group]] += held[group]
    return part_of, filled


def _badness(
    filled: NDArray[np.float64], held: NDArray[np.float64], shares: NDArray[np.float64]
) -> tuple[int, float]:
    """Return how many classes lack in parts, then how far the counts are from those wanted."""
    wanted = shares[:, None] * held.sum(0)
    return int((filled == 0).sum()), float(((filled - wanted) ** 2 / wanted).sum())


def _check_all_there(raw: RawData, held: NDArray[np.float64], filled: NDArray[np.float64]) -> None:
    if filled.all():
        return
    lacking = int((filled == 0).any(0).argmax())
    groups = int((held[:, lacking] > 0).sum())
    raise RequestError(
        f"class {raw.classes.item(lacking)!r} stands in {groups} groups, of which no way was found "
        f"to give each of the {len(filled)} parts one; add groups, try another seed, or give the "
        "parts yourself (Splits.from_parts)"
    )
